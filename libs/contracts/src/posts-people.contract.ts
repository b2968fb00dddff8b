import { z } from 'zod';
import { timestamp, username, uuid } from './common';
import { defineEvent } from './define-event';
import { defineRoute } from './define-route';

const tags = ['users'] as const;
const params = z.strictObject({ username });

export const profile = z
  .object({
    id: uuid,
    username,
    followers: z.int().nonnegative(),
    following: z.int().nonnegative(),
    createdAt: timestamp,
  })
  .meta({ id: 'Profile', description: 'What others see of an account' });

export type Profile = z.output<typeof profile>;

export const getProfileRoute = defineRoute({
  method: 'get',
  path: '/api/v1/users/:username',
  operationId: 'getProfile',
  summary: 'Read a profile',
  tags,
  auth: 'user',
  params,
  responses: { 200: { description: 'The profile', schema: profile } },
  problems: { 404: ['NOT_FOUND'] },
});

export const followRoute = defineRoute({
  method: 'put',
  path: '/api/v1/users/:username/follow',
  operationId: 'follow',
  summary: 'Follow a person',
  tags,
  auth: 'user',
  params,
  idempotent: true,
  responses: { 204: { description: 'You follow them' } },
  problems: { 404: ['NOT_FOUND'], 409: ['CANNOT_FOLLOW_YOURSELF'] },
});

export const unfollowRoute = defineRoute({
  method: 'delete',
  path: '/api/v1/users/:username/follow',
  operationId: 'unfollow',
  summary: 'Stop following a person',
  tags,
  auth: 'user',
  params,
  idempotent: true,
  responses: { 204: { description: 'You do not follow them' } },
  problems: { 404: ['NOT_FOUND'] },
});

export const postsPeopleRoutes = [getProfileRoute, followRoute, unfollowRoute] as const;

export const userFollowed = defineEvent(
  'user.followed',
  1,
  z.object({ followerId: uuid, followerUsername: username, followeeId: uuid, followedAt: timestamp }),
);

export const userUnfollowed = defineEvent(
  'user.unfollowed',
  1,
  z.object({ followerId: uuid, followeeId: uuid, unfollowedAt: timestamp }),
);

/** Somebody asks to follow a private account; the key is the one who is asked. */
export const userFollowRequested = defineEvent(
  'user.followRequested',
  1,
  z.object({ requesterId: uuid, requesterUsername: username, targetId: uuid, requestedAt: timestamp }),
);

export const userBlocked = defineEvent(
  'user.blocked',
  1,
  z.object({ blockerId: uuid, blockedId: uuid, blockedAt: timestamp }),
);

export const userUnblocked = defineEvent(
  'user.unblocked',
  1,
  z.object({ blockerId: uuid, blockedId: uuid, unblockedAt: timestamp }),
);

export const userMuted = defineEvent(
  'user.muted',
  1,
  z.object({ muterId: uuid, mutedId: uuid, mutedAt: timestamp }),
);

export const userUnmuted = defineEvent(
  'user.unmuted',
  1,
  z.object({ muterId: uuid, mutedId: uuid, unmutedAt: timestamp }),
);

/** Cancelled or refused; one that is granted becomes `user.followed`. The key is the one who was asked. */
export const userFollowRequestWithdrawn = defineEvent(
  'user.followRequestWithdrawn',
  1,
  z.object({ requesterId: uuid, targetId: uuid, withdrawnAt: timestamp }),
);

export const postsPeopleEvents = [
  userFollowed,
  userUnfollowed,
  userFollowRequested,
  userBlocked,
  userUnblocked,
  userMuted,
  userUnmuted,
  userFollowRequestWithdrawn,
] as const;
