import { frameOf } from '../sockets/frame';
import { publicName } from './channel-names';
import type { Membership, Subscriber } from './membership';

export interface HeartbeatsOptions {
  subscriptions: Iterable<[Subscriber, readonly Membership[]]>;
  /** How often each subscriber is told where its channels stand. */
  everySeconds: number;
}

const secondMs = 1000;
/** Those of one second are told bit by bit, so that nobody's event waits until all of them have been. */
const partsOfSecond = 10;

/** Tells clients how far their channels are: whoever is behind has lost something and resumes. One clock for all. */
export class Heartbeats {
  private readonly turns = new WeakMap<Subscriber, number>();
  private given = 0;
  private beats = 0;
  /** Those whose second it is. */
  private due: [Subscriber, readonly Membership[]][] = [];
  private clock: NodeJS.Timeout | undefined;

  constructor(private readonly options: HeartbeatsOptions) {}

  start(): void {
    this.clock = setInterval(() => this.beat(), secondMs / partsOfSecond).unref();
  }

  stop(): void {
    clearInterval(this.clock);
  }

  private beat(): void {
    const part = this.beats++ % partsOfSecond;
    if (part === 0) this.due = this.dueAt(Math.floor(this.beats / partsOfSecond) % this.options.everySeconds);
    const { length } = this.due;
    const [start, end] = [part, part + 1].map((each) => Math.ceil((each * length) / partsOfSecond));
    for (const [subscriber, memberships] of this.due.slice(start, end)) tell(subscriber, memberships);
  }

  private dueAt(second: number): [Subscriber, readonly Membership[]][] {
    const due: [Subscriber, readonly Membership[]][] = [];
    for (const each of this.options.subscriptions) if (this.turnOf(each[0]) === second) due.push(each);
    return due;
  }

  /** Whoever is new gets theirs a whole round later at the latest, spread evenly. */
  private turnOf(subscriber: Subscriber): number {
    let turn = this.turns.get(subscriber);
    if (turn === undefined) this.turns.set(subscriber, (turn = this.given++ % this.options.everySeconds));
    return turn;
  }
}

function tell(subscriber: Subscriber, memberships: readonly Membership[]): void {
  const channels: Record<string, number> = {};
  let any = false;
  for (const membership of memberships) {
    if (!membership.isAttached || membership.isWaiting || !membership.position) continue;
    channels[publicName(membership.channel)] = membership.position.offset;
    any = true;
  }
  if (any) subscriber.send(frameOf({ type: 'heartbeat', channels }));
}
