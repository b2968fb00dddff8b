import { z } from 'zod';
import { timestamp, uuid } from './common';
import { defineEvent } from './define-event';
import { defineRoute } from './define-route';
import { post } from './posts-post.contract';
import { writtenText } from './posts-text.contract';

const tags = ['moderation'] as const;
const params = z.strictObject({ id: uuid });
const seen = { 404: ['NOT_FOUND'], 410: ['POST_DELETED'] } as const;
const bodyLimit = '16kb';

export const reportReasons = [
  'spam',
  'harassment',
  'hate',
  'violence',
  'self_harm',
  'sexual',
  'illegal',
  'misinformation',
  'impersonation',
  'other',
] as const;

export const reportReason = z.enum(reportReasons).meta({ id: 'ReportReason' });

export type ReportReason = z.output<typeof reportReason>;

export const newPostReport = z.strictObject({
  reason: reportReason,
  note: writtenText(500).optional().meta({ description: 'For the moderators alone' }),
});

export type NewPostReport = z.output<typeof newPostReport>;

export const postReport = z
  .object({
    id: uuid,
    postId: uuid,
    reason: reportReason,
    note: z.string().nullable(),
    createdAt: timestamp,
  })
  .meta({ id: 'PostReport', description: 'What you have told the moderators of a post' });

export type PostReport = z.output<typeof postReport>;

export const reportPostRoute = defineRoute({
  method: 'post',
  path: '/api/v1/posts/:id/reports',
  operationId: 'reportPost',
  summary: 'Tell the moderators of a post',
  description:
    'Once for each post: whoever does it again is answered what they have said before. Its author never learns who has reported it.',
  tags,
  auth: 'user',
  params,
  body: newPostReport,
  bodyLimit,
  idempotent: true,
  responses: { 201: { description: 'The report, made now or before', schema: postReport } },
  problems: { ...seen, 409: ['OWN_POST'] },
});

export const appealState = z
  .enum(['waiting', 'upheld', 'granted'])
  .meta({ id: 'AppealState', description: 'Whether the decision stands (`upheld`) or was taken back' });

export type AppealState = z.output<typeof appealState>;

export const postAppeal = z
  .object({ text: z.string(), state: appealState, createdAt: timestamp })
  .meta({ id: 'PostAppeal' });

export type PostAppeal = z.output<typeof postAppeal>;

export const authorDecision = z
  .object({
    id: uuid,
    kind: z.enum(['hidden', 'restored', 'upheld']),
    reason: z.string(),
    decidedAt: timestamp,
    appeal: postAppeal.nullable().meta({ description: 'Against it; only of decisions to hide' }),
  })
  .meta({
    id: 'AuthorDecision',
    description: 'What moderators have decided of a post, as its author is told',
  });

export type AuthorDecision = z.output<typeof authorDecision>;

export const getPostModerationRoute = defineRoute({
  method: 'get',
  path: '/api/v1/posts/:id/moderation',
  operationId: 'getPostModeration',
  summary: 'Read what moderators have decided of a post of yours, newest first',
  description: 'The post is shown to you here also while it is hidden.',
  tags,
  auth: 'user',
  params,
  responses: {
    200: {
      description: 'The post and the decisions',
      schema: z
        .object({ post, hidden: z.boolean(), decisions: z.array(authorDecision) })
        .meta({ id: 'PostModeration' }),
    },
  },
  problems: seen,
});

export const appealRoute = defineRoute({
  method: 'post',
  path: '/api/v1/posts/:id/appeals',
  operationId: 'appealPost',
  summary: 'Ask for another look at a post of yours that is hidden',
  description: 'Once for each decision. Another moderator than the one who hid it decides.',
  tags,
  auth: 'user',
  params,
  body: z.strictObject({ text: writtenText(1_000) }),
  bodyLimit,
  idempotent: true,
  responses: { 201: { description: 'The appeal', schema: postAppeal } },
  problems: { ...seen, 409: ['NOT_HIDDEN', 'ALREADY_APPEALED'] },
});

export const postHidden = defineEvent(
  'post.hidden',
  1,
  z.object({ postId: uuid, authorId: uuid, reason: z.string(), hiddenAt: timestamp }),
);

export const postRestored = defineEvent(
  'post.restored',
  1,
  z.object({ postId: uuid, authorId: uuid, reason: z.string().optional(), restoredAt: timestamp }),
);

/** An appeal was looked at, and the post stays hidden. */
export const postHidingUpheld = defineEvent(
  'post.hidingUpheld',
  1,
  z.object({ postId: uuid, authorId: uuid, reason: z.string(), upheldAt: timestamp }),
);

export const postsReportsRoutes = [reportPostRoute, getPostModerationRoute, appealRoute] as const;

export const postsReportsEvents = [postHidden, postRestored, postHidingUpheld] as const;
