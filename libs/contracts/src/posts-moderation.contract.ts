import { z } from 'zod';
import { pageOf, pageQuery, timestamp, uuid } from './common';
import { defineRoute } from './define-route';
import { decided, moderated, reportCounts, reporter, somebody } from './posts-moderation-fields.contract';
import { postsPersonModerationRoutes } from './posts-person-moderation.contract';
import { post, postTombstone, postVersion } from './posts-post.contract';
import { appealState, postsReportsEvents, postsReportsRoutes, reportReason } from './posts-reports.contract';

const posts = '/api/v1/posts/moderation/posts';
const params = z.strictObject({ id: uuid });
const own = 'OWN_POST';
const there = { 404: ['NOT_FOUND'], 410: ['POST_DELETED'] } as const;

export const moderationState = z.enum(['open', 'hidden', 'appealed', 'restored', 'dismissed']).meta({
  id: 'ModerationState',
  description: 'Where a post stands; `open` and `appealed` wait for somebody',
});

export type ModerationState = z.output<typeof moderationState>;

export const moderationClaim = z
  .object({ moderator: somebody, until: timestamp })
  .meta({ id: 'ModerationClaim', description: 'Who is at work on it; it ends by itself' });

const standing = {
  state: moderationState,
  since: timestamp,
  claim: moderationClaim.nullable(),
};

export const moderationCase = z
  .object({ postId: uuid, ...standing })
  .meta({ id: 'ModerationCase', description: 'Where a post stands with the moderators' });

export type ModerationCase = z.output<typeof moderationCase>;

export const moderationQueueItem = z
  .object({
    post,
    ...standing,
    reports: reportCounts,
    appeal: z.object({ text: z.string(), createdAt: timestamp }).nullable(),
  })
  .meta({ id: 'ModerationQueueItem' });

export type ModerationQueueItem = z.output<typeof moderationQueueItem>;

export const moderationQueueRoute = defineRoute({
  method: 'get',
  path: '/api/v1/posts/moderation/queue',
  operationId: 'listModerationQueue',
  summary: 'Read the posts that stand so with the moderators, longest first',
  description:
    'Your own posts are left out, and those that have been deleted. Reports are those since the last decision.',
  ...moderated,
  query: pageQuery.extend({ state: moderationState.default('open') }),
  responses: {
    200: {
      description: 'A page of posts',
      schema: pageOf(moderationQueueItem).meta({ id: 'ModerationQueuePage' }),
      headers: { Link: 'The next page, as rel="next"' },
    },
  },
  problems: { 400: ['INVALID_CURSOR'] },
});

export const filedReport = z
  .object({
    id: uuid,
    reporter,
    reason: reportReason,
    note: z.string().nullable(),
    version: z.int().positive().meta({ description: 'The version of the post that was reported' }),
    current: z.boolean().meta({ description: 'Nobody has decided since' }),
    createdAt: timestamp,
  })
  .meta({ id: 'FiledReport' });

export type FiledReport = z.output<typeof filedReport>;

export const moderationEntry = z
  .object({
    id: uuid,
    kind: z.enum(['claimed', 'released', 'hidden', 'restored', 'dismissed', 'upheld']),
    moderator: somebody,
    reason: z.string().nullable(),
    version: z.int().positive().meta({ description: 'The version of the post at that time' }),
    at: timestamp,
    appeal: z.object({ text: z.string(), state: appealState, createdAt: timestamp }).nullable(),
  })
  .meta({
    id: 'ModerationEntry',
    description: 'What a moderator has done. It can be neither changed nor removed',
  });

export type ModerationEntry = z.output<typeof moderationEntry>;

export const moderationRecordRoute = defineRoute({
  method: 'get',
  path: `${posts}/:id`,
  operationId: 'getModerationRecord',
  summary:
    'Read all there is about a post: what it says and has said, the reports, and what moderators have done',
  description: 'Of each the newest 200.',
  ...moderated,
  params,
  responses: {
    200: {
      description: 'The record',
      schema: z
        .object({
          post: z.union([post, postTombstone]),
          case: moderationCase.nullable().meta({ description: 'Null where nobody has reported or decided' }),
          versions: z.array(postVersion),
          reports: z.array(filedReport),
          log: z.array(moderationEntry),
        })
        .meta({ id: 'ModerationRecord' }),
    },
  },
  problems: { 404: ['NOT_FOUND'], 409: [own] },
});

export const claimRoute = defineRoute({
  method: 'put',
  path: `${posts}/:id/claim`,
  operationId: 'claimModeration',
  summary: 'Take a post that waits, so that nobody else works on it for fifteen minutes',
  description:
    'Again, it is yours for another fifteen minutes. Whoever hid a post may not take it while its appeal waits.',
  ...moderated,
  params,
  idempotent: true,
  responses: { 200: { description: 'It is yours', schema: moderationCase } },
  problems: { ...there, 409: [own, 'CLAIMED', 'NOTHING_TO_DECIDE', 'OWN_DECISION'] },
});

export const releaseRoute = defineRoute({
  method: 'delete',
  path: `${posts}/:id/claim`,
  operationId: 'releaseModeration',
  summary: 'Leave a post that you have taken to others',
  ...moderated,
  params,
  idempotent: true,
  responses: { 204: { description: 'It is not yours' } },
  problems: { 404: ['NOT_FOUND'] },
});

const decision = {
  ...decided,
  responses: { 200: { description: 'Where the post stands now', schema: moderationCase } },
} as const;

const told = 'The author is told the reason, and not who has decided.';

export const hideRoute = defineRoute({
  ...decision,
  path: `${posts}/:id/hide`,
  operationId: 'hidePost',
  summary: 'Hide a post from everybody',
  description: told,
  problems: { ...there, 409: [own, 'CLAIMED', 'ALREADY_HIDDEN'] },
});

export const restoreRoute = defineRoute({
  ...decision,
  path: `${posts}/:id/restore`,
  operationId: 'restorePost',
  summary: 'Show a hidden post again, and grant the appeal if there is one',
  description: `${told} Whoever hid it may not decide the appeal.`,
  problems: { ...there, 409: [own, 'CLAIMED', 'NOT_HIDDEN', 'OWN_DECISION'] },
});

export const dismissRoute = defineRoute({
  ...decision,
  path: `${posts}/:id/dismiss`,
  operationId: 'dismissReports',
  summary: 'Leave a reported post as it is',
  description: 'Nobody is told.',
  problems: { ...there, 409: [own, 'CLAIMED', 'NOTHING_REPORTED'] },
});

export const upholdRoute = defineRoute({
  ...decision,
  path: `${posts}/:id/uphold`,
  operationId: 'upholdHiding',
  summary: 'Refuse an appeal: the post stays hidden',
  description: `${told} Whoever hid it may not decide the appeal.`,
  problems: { ...there, 409: [own, 'CLAIMED', 'NOT_APPEALED', 'OWN_DECISION'] },
});

export const postsModerationRoutes = [
  ...postsReportsRoutes,
  moderationQueueRoute,
  moderationRecordRoute,
  claimRoute,
  releaseRoute,
  hideRoute,
  restoreRoute,
  dismissRoute,
  upholdRoute,
  ...postsPersonModerationRoutes,
] as const;

export const postsModerationEvents = postsReportsEvents;
