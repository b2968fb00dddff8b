import type { ChannelFollower, Gap } from './channel-follower';
import type { LogPosition } from './event-log';

export interface Beginning {
  /** The log has all that follows. */
  at: LogPosition;
  /** What lies between the client's position and this one, and is not in the log. */
  gap?: Gap;
}

/** From where somebody can be told what has happened since they were at a position. */
export async function whereToBegin(follower: ChannelFollower, since: LogPosition): Promise<Beginning> {
  await reach(follower, since);
  const { epoch, offset } = follower.position;
  if (since.epoch !== epoch || since.offset > offset) return anew(epoch);
  if (since.offset === offset) return { at: { epoch, offset } };
  const page = await follower.read(since.offset);
  if (page.epoch !== epoch) {
    if (follower.position.epoch === epoch) follower.take(page);
    return anew(follower.position.epoch);
  }
  const next = page.entries[0]?.offset ?? page.offset + 1;
  if (next === since.offset + 1) return { at: { epoch, offset: since.offset } };
  // Not beyond where the channel is: what it finds missing itself, it tells everybody.
  const last = Math.min(next - 1, follower.position.offset);
  return { at: { epoch, offset: last }, gap: { epoch, from: since.offset + 1, to: last, reason: 'trimmed' } };
}

/**
 * Where another process has told more than this one has heard of yet, this one reads on. It must ask by itself: what
 * others are being answered may have been written down before the events that the client has.
 */
async function reach(follower: ChannelFollower, { epoch, offset }: LogPosition): Promise<void> {
  while (follower.position.epoch === epoch && follower.position.offset < offset) {
    const page = await follower.readNow(follower.position.offset);
    if (follower.position.epoch === epoch) follower.take(page);
    // Nobody can have told what is not even written.
    if (page.epoch === epoch && page.offset < offset) return;
  }
}

function anew(epoch: string): Beginning {
  return { at: { epoch, offset: 0 }, gap: { epoch, from: 0, to: 0, reason: 'new_epoch' } };
}
