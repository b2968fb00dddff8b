import { z } from 'zod';
import { timestamp, username, uuid } from './common';
import { defineEvent } from './define-event';

/** Somebody's reaction to somebody's post; the key is the post's author. */
const reaction = { postId: uuid, authorId: uuid, userId: uuid, username };

export const postLiked = defineEvent('post.liked', 1, z.object({ ...reaction, likedAt: timestamp }));

export const postReposted = defineEvent('post.reposted', 1, z.object({ ...reaction, repostedAt: timestamp }));

/** Somebody has taken it back; the key is the post's author here too. */
const endedReaction = { postId: uuid, authorId: uuid, userId: uuid };

export const postUnliked = defineEvent(
  'post.unliked',
  1,
  z.object({ ...endedReaction, unlikedAt: timestamp }),
);

export const postUnreposted = defineEvent(
  'post.unreposted',
  1,
  z.object({ ...endedReaction, unrepostedAt: timestamp }),
);

export const postsReactionsRoutes = [] as const;

export const postsReactionsEvents = [postLiked, postReposted, postUnliked, postUnreposted] as const;
