import { z } from 'zod';
import { pageQuery, timestamp, username, uuid } from './common';
import { defineEvent } from './define-event';
import { defineRoute } from './define-route';
import { personPage } from './posts-person.contract';

const tags = ['users'] as const;
const params = z.strictObject({ username });
const headers = { Link: 'The next page, as rel="next"' };

export const blockRoute = defineRoute({
  method: 'put',
  path: '/api/v1/users/:username/block',
  operationId: 'block',
  summary: 'Block a person',
  description:
    'Neither of you sees the other any more, nor what they write. Follows and requests between you end. ' +
    'Also who has blocked you can be blocked.',
  tags,
  auth: 'user',
  params,
  idempotent: true,
  responses: { 204: { description: 'They are blocked' } },
  problems: { 404: ['NOT_FOUND'], 409: ['CANNOT_BLOCK_YOURSELF'] },
});

export const unblockRoute = defineRoute({
  method: 'delete',
  path: '/api/v1/users/:username/block',
  operationId: 'unblock',
  summary: 'Take back that you have blocked a person',
  description: 'Follows that have ended do not come back.',
  tags,
  auth: 'user',
  params,
  idempotent: true,
  responses: { 204: { description: 'You do not block them' } },
  problems: { 404: ['NOT_FOUND'] },
});

export const listBlocksRoute = defineRoute({
  method: 'get',
  path: '/api/v1/users/me/blocks',
  operationId: 'listBlocks',
  summary: 'Read whom you have blocked, newest first',
  tags,
  auth: 'user',
  query: pageQuery,
  responses: { 200: { description: 'A page of people', schema: personPage, headers } },
  problems: { 400: ['INVALID_CURSOR'] },
});

export const muteRoute = defineRoute({
  method: 'put',
  path: '/api/v1/users/:username/mute',
  operationId: 'mute',
  summary: 'Mute a person',
  description:
    'What they write stays out of your feed, search and notifications. They are not told, and you go on following them.',
  tags,
  auth: 'user',
  params,
  idempotent: true,
  responses: { 204: { description: 'They are muted' } },
  problems: { 404: ['NOT_FOUND'], 409: ['CANNOT_MUTE_YOURSELF'] },
});

export const unmuteRoute = defineRoute({
  method: 'delete',
  path: '/api/v1/users/:username/mute',
  operationId: 'unmute',
  summary: 'Take back that you have muted a person',
  tags,
  auth: 'user',
  params,
  idempotent: true,
  responses: { 204: { description: 'You do not mute them' } },
  problems: { 404: ['NOT_FOUND'] },
});

export const listMutesRoute = defineRoute({
  method: 'get',
  path: '/api/v1/users/me/mutes',
  operationId: 'listMutes',
  summary: 'Read whom you have muted, newest first',
  tags,
  auth: 'user',
  query: pageQuery,
  responses: { 200: { description: 'A page of people', schema: personPage, headers } },
  problems: { 400: ['INVALID_CURSOR'] },
});

export const postsBlocksRoutes = [
  blockRoute,
  unblockRoute,
  listBlocksRoute,
  muteRoute,
  unmuteRoute,
  listMutesRoute,
] as const;

/** The key of all of them is the one who is, or was, blocked or muted. */
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

export const postsBlocksEvents = [userBlocked, userUnblocked, userMuted, userUnmuted] as const;
