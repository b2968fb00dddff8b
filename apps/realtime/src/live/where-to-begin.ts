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
  if (since.epoch === follower.position.epoch && since.offset > follower.position.offset) {
    // Told by another process before this one has heard of it.
    follower.take(await follower.read(follower.position.offset));
  }
  const { epoch, offset } = follower.position;
  if (since.epoch !== epoch || since.offset > offset) return anew(epoch);
  if (since.offset === offset) return { at: { epoch, offset } };
  const page = await follower.read(since.offset);
  if (page.epoch !== epoch) {
    if (page.epoch !== follower.position.epoch) follower.take(page);
    return anew(follower.position.epoch);
  }
  const next = page.entries[0]?.offset ?? page.offset + 1;
  if (next === since.offset + 1) return { at: { epoch, offset: since.offset } };
  // Not beyond where the channel is: what it finds missing itself, it tells everybody.
  const last = Math.min(next - 1, follower.position.offset);
  return { at: { epoch, offset: last }, gap: { epoch, from: since.offset + 1, to: last, reason: 'trimmed' } };
}

function anew(epoch: string): Beginning {
  return { at: { epoch, offset: 0 }, gap: { epoch, from: 0, to: 0, reason: 'new_epoch' } };
}
