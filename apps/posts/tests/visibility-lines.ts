import type { Answer, Caller } from './posts-app';
import type { KindName, Scene, Seen, Viewer } from './visibility-scenes';

/** How a route is looked at by everybody, and what they see where that is less than of a post by itself. */
export interface RouteLine {
  look: (viewer: Caller, scene: Scene) => Promise<Seen>;
  differs?: (seen: Seen, who: Viewer, kind: KindName) => Seen;
}

/** What is refused to all but the author is there all the same, as is what has been read in another version. */
const statuses: Record<number, Seen> = {
  200: 'shown',
  201: 'shown',
  204: 'shown',
  307: 'shown',
  403: 'shown',
  409: 'shown',
  412: 'shown',
  410: 'tombstone',
  404: 'absent',
  422: 'absent',
};

export const byStatus = ({ status }: Answer): Seen => {
  const seen = statuses[status];
  if (!seen) throw new Error(`It was answered ${status}`);
  return seen;
};

/** Whether a list has the post, or the tombstone of it. */
export const inList = ({ status, json }: Answer, { postId }: Scene): Seen => {
  if (status !== 200) return byStatus({ status } as Answer);
  const item = json.items.find(({ id }: { id: string }) => id === postId);
  if (!item) return 'absent';
  return item.deleted ? 'tombstone' : 'shown';
};

export const withoutTombstones = (seen: Seen): Seen => (seen === 'tombstone' ? 'absent' : seen);
