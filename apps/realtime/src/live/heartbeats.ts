import { frameOf } from '../sockets/frame';
import { publicName } from './channel-names';
import type { Membership, Subscriber } from './membership';

export interface HeartbeatsOptions {
  subscriptions: Iterable<[Subscriber, readonly Membership[]]>;
  /** How often each subscriber is told where its channels stand. */
  everySeconds: number;
}

const secondMs = 1000;

/** Tells clients how far their channels are: whoever is behind has lost something and resumes. One clock for all. */
export class Heartbeats {
  private readonly turns = new WeakMap<Subscriber, number>();
  private given = 0;
  private beats = 0;
  private clock: NodeJS.Timeout | undefined;

  constructor(private readonly options: HeartbeatsOptions) {}

  start(): void {
    this.clock = setInterval(() => this.beat(), secondMs).unref();
  }

  stop(): void {
    clearInterval(this.clock);
  }

  private beat(): void {
    const now = this.beats++ % this.options.everySeconds;
    for (const [subscriber, memberships] of this.options.subscriptions) {
      if (this.turnOf(subscriber) === now) tell(subscriber, memberships);
    }
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
