import { z } from 'zod';
import { pageQuery, timestamp, username, uuid } from './common';
import { defineEvent } from './define-event';
import { defineRoute } from './define-route';
import { personPage } from './posts-person.contract';

const tags = ['users'] as const;
const params = z.strictObject({ username });
const headers = { Link: 'The next page, as rel="next"' };

export const followRequested = z
  .object({ state: z.literal('requested') })
  .meta({ id: 'FollowRequested', description: 'The account is private: its owner has been asked' });

export const followRoute = defineRoute({
  method: 'put',
  path: '/api/v1/users/:username/follow',
  operationId: 'follow',
  summary: 'Follow a person, or ask a private account to let you',
  tags,
  auth: 'user',
  params,
  idempotent: true,
  responses: {
    202: { description: 'The account is private; you have asked', schema: followRequested },
    204: { description: 'You follow them' },
  },
  problems: { 404: ['NOT_FOUND'], 409: ['CANNOT_FOLLOW_YOURSELF'] },
});

export const unfollowRoute = defineRoute({
  method: 'delete',
  path: '/api/v1/users/:username/follow',
  operationId: 'unfollow',
  summary: 'Stop following a person, or withdraw the request to',
  tags,
  auth: 'user',
  params,
  idempotent: true,
  responses: { 204: { description: 'You do not follow them, and have not asked to' } },
  problems: { 404: ['NOT_FOUND'] },
});

const listProblems = { 400: ['INVALID_CURSOR'], 403: ['ACCOUNT_PRIVATE'], 404: ['NOT_FOUND'] };

export const listFollowersRoute = defineRoute({
  method: 'get',
  path: '/api/v1/users/:username/followers',
  operationId: 'listFollowers',
  summary: 'Read who follows a person, newest first',
  description: 'Of a private account its followers see it, and its owner.',
  tags,
  auth: 'user',
  params,
  query: pageQuery,
  responses: { 200: { description: 'A page of people', schema: personPage, headers } },
  problems: listProblems,
});

export const listFollowingRoute = defineRoute({
  method: 'get',
  path: '/api/v1/users/:username/following',
  operationId: 'listFollowing',
  summary: 'Read whom a person follows, newest first',
  description: 'Of a private account its followers see it, and its owner.',
  tags,
  auth: 'user',
  params,
  query: pageQuery,
  responses: { 200: { description: 'A page of people', schema: personPage, headers } },
  problems: listProblems,
});

export const listFollowRequestsRoute = defineRoute({
  method: 'get',
  path: '/api/v1/users/me/follow-requests',
  operationId: 'listFollowRequests',
  summary: 'Read who has asked to follow you, newest first',
  tags,
  auth: 'user',
  query: pageQuery,
  responses: { 200: { description: 'A page of people', schema: personPage, headers } },
  problems: { 400: ['INVALID_CURSOR'] },
});

export const acceptFollowRequestRoute = defineRoute({
  method: 'put',
  path: '/api/v1/users/me/follow-requests/:username',
  operationId: 'acceptFollowRequest',
  summary: 'Let a person follow you who has asked to',
  tags,
  auth: 'user',
  params,
  idempotent: true,
  responses: { 204: { description: 'They follow you' } },
  problems: { 404: ['NOT_FOUND'] },
});

export const refuseFollowRequestRoute = defineRoute({
  method: 'delete',
  path: '/api/v1/users/me/follow-requests/:username',
  operationId: 'refuseFollowRequest',
  summary: 'Refuse a request to follow you',
  description: 'Who has asked is not told. A follower stays one.',
  tags,
  auth: 'user',
  params,
  idempotent: true,
  responses: { 204: { description: 'No request of theirs waits' } },
  problems: { 404: ['NOT_FOUND'] },
});

export const postsFollowsRoutes = [
  followRoute,
  unfollowRoute,
  listFollowersRoute,
  listFollowingRoute,
  listFollowRequestsRoute,
  acceptFollowRequestRoute,
  refuseFollowRequestRoute,
] as const;

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

/** Cancelled or refused; one that is granted becomes `user.followed`. The key is the one who was asked. */
export const userFollowRequestWithdrawn = defineEvent(
  'user.followRequestWithdrawn',
  1,
  z.object({ requesterId: uuid, targetId: uuid, withdrawnAt: timestamp }),
);

export const postsFollowsEvents = [
  userFollowed,
  userUnfollowed,
  userFollowRequested,
  userFollowRequestWithdrawn,
] as const;
