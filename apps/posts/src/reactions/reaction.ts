import {
  postLiked,
  postReposted,
  postUnliked,
  postUnreposted,
  type MyReactions as MyReactionsBody,
} from '@rostrum/contracts';
import type { EventPublisher, EventRow } from '@rostrum/service-kit';
import type { Person } from '../profiles/profile';

export const reactionKinds = ['like', 'repost', 'bookmark'] as const;

export type ReactionKind = (typeof reactionKinds)[number];

/** What somebody does with a post. */
export interface Reaction {
  kind: ReactionKind;
  /** False: it is taken back. */
  isOn: boolean;
  person: Person;
  postId: string;
}

/** A reaction as it is written. */
export interface ReactionRow {
  /** A UUIDv7: its place among the others. */
  id: string;
  person: Person;
  postId: string;
  /** What is told of it, if it is a change. Of bookmarks nobody learns. */
  event: EventRow | undefined;
}

interface ReactionFact extends Omit<ReactionRow, 'event'> {
  authorId: string;
  at: Date;
}

type Teller = (publisher: Pick<EventPublisher, 'rowOf'>, fact: ReactionFact) => EventRow;

/** What a reaction is told as, and what its end is. The key is the author: one tells of all that concerns them. */
export const tellers: Record<ReactionKind, { on: Teller; off: Teller } | undefined> = {
  like: {
    on: (publisher, { postId, authorId, person, at }) =>
      publisher.rowOf(postLiked, {
        key: authorId,
        payload: {
          postId,
          authorId,
          userId: person.id,
          username: person.username,
          likedAt: at.toISOString(),
        },
      }),
    off: (publisher, { postId, authorId, person, at }) =>
      publisher.rowOf(postUnliked, {
        key: authorId,
        payload: { postId, authorId, userId: person.id, unlikedAt: at.toISOString() },
      }),
  },
  repost: {
    on: (publisher, { id, postId, authorId, person, at }) =>
      publisher.rowOf(postReposted, {
        key: authorId,
        payload: {
          postId,
          authorId,
          userId: person.id,
          username: person.username,
          repostId: id,
          repostedAt: at.toISOString(),
        },
      }),
    off: (publisher, { postId, authorId, person, at }) =>
      publisher.rowOf(postUnreposted, {
        key: authorId,
        payload: { postId, authorId, userId: person.id, unrepostedAt: at.toISOString() },
      }),
  },
  bookmark: undefined,
};

export type MyReactions = MyReactionsBody;
