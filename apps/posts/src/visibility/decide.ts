import type { PostVisibility } from '@rostrum/contracts';

/** What there is to know of a post besides what it says. */
export interface PostFacts {
  authorId: string;
  visibility: PostVisibility;
  hidden: boolean;
  deleted: boolean;
  /** Whom a post names that is only for those whom it names; of others it is not kept. */
  mentioned: readonly string[];
}

/** What there is to know of a person, whoever asks. */
export interface PersonState {
  /** Only followers see what they write. */
  isPrivate: boolean;
  /** Suspended or deleted. */
  isGone: boolean;
}

/** How the viewer and an author are to each other, as far as it matters for one post. */
export interface Relation {
  isAuthor: boolean;
  /** Either way. */
  blocked: boolean;
  follows: boolean;
  mentioned: boolean;
  /** By the viewer. */
  muted: boolean;
}

/** Where something is shown. */
export type Place =
  | 'direct'
  | 'thread'
  | 'profile'
  | 'collection'
  | 'home'
  | 'explore'
  | 'tag'
  | 'search'
  | 'notifications'
  | 'moderation';

/** `muted`: the viewer may see it, but does not want to here. */
export type Verdict = 'shown' | 'tombstone' | 'absent' | 'muted';

const withoutMuted: ReadonlySet<Place> = new Set(['home', 'explore', 'tag', 'search', 'notifications']);

/** The policy of what is seen, all of it. Whoever asks for `moderation` has shown a permission, or is the author. */
export function decide(
  { visibility, hidden, deleted }: Pick<PostFacts, 'visibility' | 'hidden' | 'deleted'>,
  { author, relation }: { author: PersonState; relation: Relation },
  place: Place,
): Verdict {
  const there = deleted ? 'tombstone' : 'shown';
  if (place === 'moderation') return there;
  if (hidden) return 'absent';
  if (relation.isAuthor) return there;
  if (author.isGone || relation.blocked) return 'absent';
  if (!isMeantFor(visibility, author, relation)) return 'absent';
  return relation.muted && withoutMuted.has(place) ? 'muted' : there;
}

/** A post to those whom it names reaches them, also from a private account that they do not follow. */
function isMeantFor(visibility: PostVisibility, { isPrivate }: PersonState, relation: Relation): boolean {
  if (visibility === 'mentioned') return relation.mentioned;
  return relation.follows || (visibility === 'public' && !isPrivate);
}

/** Whether it makes a difference if the viewer follows the author. */
export function asksForFollow(
  { visibility }: Pick<PostFacts, 'visibility'>,
  { isPrivate }: PersonState,
): boolean {
  return visibility === 'followers' || (visibility === 'public' && isPrivate);
}

/** Whether somebody is there for the viewer: in lists of people, and to be followed, mentioned or written to. */
export function decidePerson(
  { isGone }: Pick<PersonState, 'isGone'>,
  { isAuthor: isViewer, blocked, muted }: Pick<Relation, 'isAuthor' | 'blocked' | 'muted'>,
  place: Place,
): Exclude<Verdict, 'tombstone'> {
  if (isViewer || place === 'moderation') return 'shown';
  if (isGone || blocked) return 'absent';
  return muted && withoutMuted.has(place) ? 'muted' : 'shown';
}
