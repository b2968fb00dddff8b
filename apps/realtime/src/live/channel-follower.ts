import type { gapReasons } from '@rostrum/contracts';
import type { EventLog, LogPage, LogPosition } from './event-log';
import type { LogEntry } from './live-event';

export interface Gap {
  epoch: string;
  from: number;
  to: number;
  reason: (typeof gapReasons)[number];
}

/** Who is told of a channel's events, each once and in their order. */
export interface Audience {
  event(entry: LogEntry, epoch: string): void;
  /** What can be told to nobody any more. The next event has `to` + 1. */
  gap(gap: Gap): void;
}

/** What becomes of a channel in this process, for the metrics. */
export interface FollowerHooks {
  onHole?: (() => void) | undefined;
  onError?: ((error: unknown) => void) | undefined;
}

export interface FollowerOptions {
  channel: string;
  log: Pick<EventLog, 'read'>;
  audience: Audience;
  hooks?: FollowerHooks;
}

const nothing: LogPosition = { epoch: '', offset: 0 };
/** The log is not there any more: no epoch has this name. */
const forgotten: LogPosition = { epoch: '?', offset: 0 };

/**
 * Follows the log of one channel: by what is published as long as that has no holes, else by reading. What is published
 * may be lost on its way or come twice; what this tells its audience does not.
 */
export class ChannelFollower {
  private at = nothing;
  /** The highest offset heard of, of whichever epoch it was heard last. */
  private heard = nothing;
  private filling = false;
  private ended = false;
  /** Under way; most channels never have any. */
  private reads: Map<number, Promise<LogPage>> | undefined;

  constructor(private readonly options: FollowerOptions) {}

  get position(): Readonly<LogPosition> {
    return this.at;
  }

  /** Begins at the end of the log. What is published from now on must reach `hear`. */
  async open(): Promise<void> {
    const { epoch, offset } = await this.options.log.read(this.options.channel);
    this.at = { epoch, offset };
    this.catchUp();
  }

  end(): void {
    this.ended = true;
  }

  hear(epoch: string, entry: LogEntry): void {
    this.note({ epoch, offset: entry.offset });
    if (!this.isOpen) return;
    if (epoch === this.at.epoch && entry.offset === this.at.offset + 1) this.tell(entry);
    else this.catchUp();
  }

  /** Where the log stands at present, as somebody has seen it. */
  verify(position: LogPosition): void {
    if (position.epoch === '') this.heard = forgotten;
    else this.note(position);
    if (this.isOpen) this.catchUp();
  }

  /** Whether there is something that this has heard of and not told yet. */
  get isBehind(): boolean {
    const { epoch, offset } = this.heard;
    if (epoch === '') return false;
    return epoch !== this.at.epoch || offset > this.at.offset;
  }

  /** A page of the log, for somebody who is behind; asked for by several at once it is read once. */
  read(after: number): Promise<LogPage> {
    const reads = (this.reads ??= new Map());
    const known = reads.get(after);
    if (known) return known;
    const reading = this.readNow(after).finally(() => {
      reads.delete(after);
      if (reads.size === 0 && this.reads === reads) this.reads = undefined;
    });
    reads.set(after, reading);
    return reading;
  }

  /** A page that has all that the log has at this moment, up to its length; `read` may be told what was so before. */
  readNow(after: number): Promise<LogPage> {
    return this.options.log.read(this.options.channel, after);
  }

  /** What somebody has read of the log, from this follower's position or before it. */
  take({ epoch, offset, entries }: LogPage): void {
    this.note({ epoch, offset });
    if (epoch !== this.at.epoch) {
      this.at = { epoch, offset: 0 };
      // The same number means something else now.
      this.reads = undefined;
      this.options.audience.gap({ epoch, from: 0, to: 0, reason: 'new_epoch' });
      this.catchUp();
      return;
    }
    for (const entry of entries) {
      this.skipTo(entry.offset);
      if (entry.offset === this.at.offset + 1) this.tell(entry);
    }
    if (entries.length === 0) this.skipTo(offset + 1);
  }

  private note({ epoch, offset }: LogPosition): void {
    const { heard } = this;
    if (epoch !== heard.epoch || offset > heard.offset) this.heard = { epoch, offset };
  }

  private get isOpen(): boolean {
    return this.at.epoch !== '' && !this.ended;
  }

  private catchUp(): void {
    if (this.filling || !this.isBehind) return;
    this.filling = true;
    this.options.hooks?.onHole?.();
    this.fill()
      .catch((error: unknown) => this.options.hooks?.onError?.(error))
      .finally(() => (this.filling = false));
  }

  /** Where Redis fails now, the next check of positions begins again. */
  private async fill(): Promise<void> {
    do {
      const before = this.at;
      // Not what others have begun to read before this was heard of.
      const page = await this.readNow(before.offset);
      if (this.ended) return;
      // Somebody else has found a newer epoch meanwhile.
      if (this.at.epoch !== before.epoch) continue;
      this.take(page);
      // Something was heard that the log does not have: of an epoch that is no more.
      if (page.epoch !== this.heard.epoch || this.at === before) this.heard = this.at;
    } while (this.isBehind);
  }

  /** Entries that the log no longer has when it is asked for them. */
  private skipTo(next: number): void {
    const { epoch, offset } = this.at;
    if (next <= offset + 1) return;
    this.options.audience.gap({ epoch, from: offset + 1, to: next - 1, reason: 'trimmed' });
    this.at = { epoch, offset: next - 1 };
  }

  private tell(entry: LogEntry): void {
    this.at = { epoch: this.at.epoch, offset: entry.offset };
    this.options.audience.event(entry, this.at.epoch);
  }
}
