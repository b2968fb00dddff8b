import type { ChannelFollower, Gap } from './channel-follower';
import type { LogEntry } from './live-event';
import type { LogPosition } from './event-log';

/** Whoever is behind on a channel. */
export interface LateComer {
  /** False once it has gone, or does not want the channel any more. */
  readonly isHere: boolean;
  /** What of the log is not for it. */
  hiddenAmong(entries: readonly LogEntry[]): Promise<ReadonlySet<LogEntry>>;
  event(entry: LogEntry): void;
  gap(gap: Gap): void;
  /** It has all that the follower has told, and is to be told the rest by it. */
  attach(): void;
  /** Resolves when more may be sent. */
  room(): Promise<void>;
}

/**
 * Tells a late comer what it has missed, in order and nothing twice, until it is where the follower is. The channel goes
 * on meanwhile; nobody else waits, and nothing is kept for the late comer but what the log keeps anyway.
 */
export async function catchUp(follower: ChannelFollower, comer: LateComer, from: LogPosition): Promise<void> {
  let { epoch, offset } = from;
  const skipTo = (last: number) => {
    if (last <= offset) return;
    comer.gap({ epoch, from: offset + 1, to: last, reason: 'trimmed' });
    offset = last;
  };
  while (comer.isHere) {
    const { position } = follower;
    if (epoch !== position.epoch) {
      ({ epoch } = position);
      offset = 0;
      comer.gap({ epoch, from: 0, to: 0, reason: 'new_epoch' });
    }
    if (offset >= position.offset) {
      comer.attach();
      return;
    }
    const page = await follower.read(offset);
    if (!comer.isHere) return;
    if (page.epoch !== epoch) {
      if (follower.position.epoch === epoch) follower.take(page);
      continue;
    }
    const hidden = await comer.hiddenAmong(page.entries);
    if (!comer.isHere) return;
    // Meanwhile the channel may have begun anew.
    if (follower.position.epoch !== epoch) continue;
    for (const entry of page.entries) {
      const reached = follower.position.offset;
      skipTo(Math.min(entry.offset - 1, reached));
      if (entry.offset > reached) {
        // What has not even been published to this process yet is everybody's.
        comer.attach();
        follower.take(page);
        return;
      }
      if (!hidden.has(entry)) comer.event(entry);
      ({ offset } = entry);
    }
    if (page.entries.length === 0) skipTo(Math.min(page.offset, follower.position.offset));
    await comer.room();
  }
}
