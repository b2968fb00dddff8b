import { z } from 'zod';
import { pageOf, pageQuery, timestamp, uuid } from './common';
import { defineRoute } from './define-route';
import { newPost, post, postVisibility } from './posts-post.contract';

const tags = ['drafts'] as const;
const params = z.strictObject({ id: uuid });
const bodyLimit = '16kb';

/** A post to be, which nobody but its author sees. */
export const newDraft = newPost
  .extend({
    publishAt: timestamp.optional().meta({ description: 'When it is to be published by itself' }),
  })
  .strict();

export type NewDraft = z.output<typeof newDraft>;

export const draft = z
  .object({
    id: uuid,
    text: z.string(),
    replyTo: uuid.nullable(),
    quoteOf: uuid.nullable(),
    visibility: postVisibility.nullable(),
    media: z.array(uuid),
    publishAt: timestamp.nullable(),
    failure: z
      .string()
      .nullable()
      .meta({ description: 'The code of what kept it from being published at its time' }),
    createdAt: timestamp,
    updatedAt: timestamp,
    version: z.int().positive(),
  })
  .meta({ id: 'Draft' });

export type Draft = z.output<typeof draft>;

const found = { description: 'The draft', schema: draft, headers: { ETag: 'Its version' } };

export const createDraftRoute = defineRoute({
  method: 'post',
  path: '/api/v1/posts/drafts',
  operationId: 'createDraft',
  summary: 'Keep a draft, or have a post published at its time',
  tags,
  auth: 'user',
  body: newDraft,
  bodyLimit,
  idempotent: true,
  responses: {
    201: { ...found, headers: { Location: 'Where the draft can be read', ETag: 'Its version' } },
  },
  problems: { 400: ['PUBLISH_AT_OUT_OF_RANGE'], 409: ['TOO_MANY_DRAFTS'], 422: ['MEDIA_NOT_USABLE'] },
});

export const listDraftsRoute = defineRoute({
  method: 'get',
  path: '/api/v1/posts/drafts',
  operationId: 'listDrafts',
  summary: 'Read your drafts, newest first',
  tags,
  auth: 'user',
  query: pageQuery,
  responses: {
    200: {
      description: 'A page of drafts',
      schema: pageOf(draft).meta({ id: 'DraftPage' }),
      headers: { Link: 'The next page, as rel="next"' },
    },
  },
  problems: { 400: ['INVALID_CURSOR'] },
});

export const getDraftRoute = defineRoute({
  method: 'get',
  path: '/api/v1/posts/drafts/:id',
  operationId: 'getDraft',
  summary: 'Read a draft of yours',
  tags,
  auth: 'user',
  params,
  responses: { 200: found },
  problems: { 404: ['NOT_FOUND'] },
});

export const replaceDraftRoute = defineRoute({
  method: 'put',
  path: '/api/v1/posts/drafts/:id',
  operationId: 'replaceDraft',
  summary: 'Replace a draft of yours',
  description: 'With `If-Match` only while it is the version that you have read.',
  tags,
  auth: 'user',
  params,
  body: newDraft,
  bodyLimit,
  idempotent: true,
  responses: { 200: found },
  problems: {
    400: ['PUBLISH_AT_OUT_OF_RANGE'],
    404: ['NOT_FOUND'],
    412: ['PRECONDITION_FAILED'],
    422: ['MEDIA_NOT_USABLE'],
  },
});

export const deleteDraftRoute = defineRoute({
  method: 'delete',
  path: '/api/v1/posts/drafts/:id',
  operationId: 'deleteDraft',
  summary: 'Delete a draft of yours',
  tags,
  auth: 'user',
  params,
  idempotent: true,
  responses: { 204: { description: 'You have no such draft' } },
});

export const publishDraftRoute = defineRoute({
  method: 'post',
  path: '/api/v1/posts/drafts/:id/publish',
  operationId: 'publishDraft',
  summary: 'Publish a draft of yours now',
  tags,
  auth: 'user',
  params,
  idempotent: true,
  responses: {
    201: {
      description: 'The post',
      schema: post,
      headers: { Location: 'Where the post can be read', ETag: 'Its version and its counts' },
    },
  },
  problems: {
    404: ['NOT_FOUND'],
    422: ['REPLY_TO_NOT_FOUND', 'QUOTE_OF_NOT_FOUND', 'MEDIA_NOT_USABLE'],
  },
});

export const postsDraftsRoutes = [
  createDraftRoute,
  listDraftsRoute,
  getDraftRoute,
  replaceDraftRoute,
  deleteDraftRoute,
  publishDraftRoute,
] as const;
