import type { Tracing } from '@rostrum/observability';
import { frameOf, type Frame } from '../sockets/frame';
import { SmallSet } from '../sockets/small-set';
import type { Audience, Gap } from './channel-follower';
import { channels, publicName } from './channel-names';
import { eventFrame, eventIdOf, eventNameOf, subjectIn, traceparentOf, type LogEntry } from './live-event';
import type { LiveMetrics } from './live-metrics';
import type { Visibility } from './visibility';

/** A socket, or this process itself where it listens to others. */
export interface Listener {
  readonly user?: { readonly userId: string };
  send(frame: Frame): void;
}

export interface ListenersParts {
  tracing: Pick<Tracing, 'runWork'>;
  metrics: Pick<LiveMetrics, 'fannedOut' | 'gapTold'>;
  visibility: Pick<Visibility, 'viewersAmong' | 'maySee'>;
}

const nothing: ReadonlySet<LogEntry> = new Set();

/** All that a channel is told to in this process: each event is one frame, made once. */
export class Listeners implements Audience {
  readonly publicName: string;
  private readonly all = new SmallSet<Listener>();
  /** What comes next waits for it: it is being asked who may be told. */
  private turn: Promise<void> | undefined;

  constructor(
    channel: string,
    private readonly parts: ListenersParts,
  ) {
    this.publicName = publicName(channel);
  }

  /** Whether something that has come is not told yet. */
  get isWaiting(): boolean {
    return this.turn !== undefined;
  }

  add(listener: Listener): void {
    this.all.add(listener);
  }

  delete(listener: Listener): void {
    this.all.delete(listener);
  }

  event(entry: LogEntry, epoch: string): void {
    const subject = subjectIn(entry.text);
    if (subject === undefined && !this.turn) {
      this.tellEvent(entry, this.all);
      return;
    }
    this.inTurn((audience) =>
      subject === undefined
        ? this.tellEvent(entry, audience)
        : this.tellViewers(subject, { entry, epoch }, audience),
    );
  }

  /** What is kept in no log. */
  passing(text: string): void {
    this.tell(eventFrame(this.publicName, text), text, this.all);
  }

  gap(gap: Gap): void {
    if (this.turn) this.inTurn((audience) => this.tellGap(gap, audience));
    else this.tellGap(gap, this.all);
  }

  /** Those of the entries that are not for this user. */
  async hiddenFrom(userId: string, entries: readonly LogEntry[]): Promise<ReadonlySet<LogEntry>> {
    const guarded = entries.filter(({ text }) => subjectIn(text) !== undefined);
    if (guarded.length === 0) return nothing;
    const seen = await Promise.all(
      guarded.map(({ text }) => this.parts.visibility.maySee(userId, channels.post(subjectIn(text) ?? ''))),
    );
    return new Set(guarded.filter((_, index) => !seen[index]));
  }

  /** Whoever comes from now on has it from the log already. */
  private inTurn(tell: (audience: Iterable<Listener>) => Promise<void> | void): void {
    const audience = [...this.all];
    const stillHere = () => audience.filter((listener) => this.all.has(listener));
    const turn = (this.turn ?? Promise.resolve())
      .then(() => tell(stillHere()))
      .finally(() => {
        if (this.turn === turn) this.turn = undefined;
      });
    this.turn = turn;
  }

  private async tellViewers(
    subject: string,
    { entry, epoch }: { entry: LogEntry; epoch: string },
    audience: Iterable<Listener>,
  ): Promise<void> {
    const some = [...audience];
    const userIds = some.flatMap(({ user }) => (user ? [user.userId] : []));
    try {
      const seen = await this.parts.visibility.viewersAmong(subject, userIds);
      const viewers = some.filter((each) => this.all.has(each) && each.user && seen.has(each.user.userId));
      this.tellEvent(entry, viewers);
    } catch {
      // The call has been counted and told of. Nobody is told what they may not see, and nobody misses it silently.
      const { offset } = entry;
      this.tellGap({ epoch, from: offset, to: offset, reason: 'unavailable' }, some);
    }
  }

  private tellEvent({ offset, at, text }: LogEntry, audience: Iterable<Listener>): void {
    this.tell(eventFrame(this.publicName, text, offset), text, audience);
    this.parts.metrics.fannedOut((Date.now() - at) / 1000);
  }

  private tellGap(gap: Gap, audience: Iterable<Listener>): void {
    const frame = gapFrame(this.publicName, gap);
    for (const listener of audience) {
      this.parts.metrics.gapTold(gap.reason);
      listener.send(frame);
    }
  }

  private tell(frame: Frame, text: string, audience: Iterable<Listener>): void {
    const work = {
      name: `ws event ${eventNameOf(text)}`,
      requestId: eventIdOf(text),
      traceparent: traceparentOf(text),
      attributes: { 'network.protocol.name': 'websocket', 'rostrum.connections': this.all.size },
    };
    this.parts.tracing.runWork(work, () => {
      for (const listener of audience) listener.send(frame);
    });
  }
}

export function gapFrame(channel: string, gap: Gap): Frame {
  return frameOf({ type: 'gap', channel, ...gap });
}
