import { z } from 'zod';
import { timestamp, uuid } from './common';
import { defineRoute } from './define-route';
import { writtenText } from './posts-text.contract';

const tags = ['media'] as const;
const params = z.strictObject({ id: uuid });

/** What may be uploaded, by what is found in its bytes. */
export const mediaTypes = ['image/jpeg', 'image/png', 'image/webp', 'image/gif'] as const;

export type MediaType = (typeof mediaTypes)[number];

/** 10 MiB, which is also what the gateway lets through. */
export const mostMediaBytes = 10 * 1024 * 1024;

const longestAlt = 1_000;

/** A picture as part of a post. */
export const postMedia = z
  .object({
    id: uuid,
    type: z.string().meta({ description: 'Its media type, as found in its bytes', example: 'image/webp' }),
    url: z.string().meta({ description: 'Where it can be had by whoever may see the post' }),
    width: z.int().positive(),
    height: z.int().positive(),
    alt: z.string(),
  })
  .meta({ id: 'PostMedia' });

export type PostMedia = z.output<typeof postMedia>;

/** What a post shows: own uploads that are completed, and are in no other post. */
export const postMediaIds = z
  .array(uuid)
  .max(4)
  .refine((ids) => new Set(ids.map((id) => id.toLowerCase())).size === ids.length, 'must name each once')
  .meta({
    description: 'Uploads of yours, completed and in no other post, in the order in which they stand',
  });

export const newMedia = z.strictObject({
  type: z.enum(mediaTypes),
  bytes: z.int().min(1).max(mostMediaBytes).meta({ description: 'Exactly as many are to be uploaded' }),
  alt: writtenText(longestAlt, 'must not be empty; leave it out')
    .optional()
    .meta({ description: 'What there is to be seen, for those who do not see it', example: 'A cat asleep' }),
});

export type NewMedia = z.output<typeof newMedia>;

export const mediaDescription = z.strictObject({
  alt: writtenText(longestAlt, 'must not be empty; null takes it away').nullable().meta({
    description: 'What there is to be seen, for those who do not see it',
    example: 'Two cats asleep',
  }),
});

export const mediaUpload = z
  .object({
    id: uuid,
    upload: z.object({
      method: z.literal('PUT'),
      url: z.string().meta({ description: 'Absolute, or relative to where this was asked' }),
      headers: z.record(z.string(), z.string()).meta({ description: 'To be sent as they are' }),
      expiresAt: timestamp,
    }),
  })
  .meta({ id: 'MediaUpload', description: 'Where and how to upload it' });

export type MediaUpload = z.output<typeof mediaUpload>;

export const createMediaRoute = defineRoute({
  method: 'post',
  path: '/api/v1/posts/media',
  operationId: 'createMedia',
  summary: 'Ask where to upload a picture',
  description:
    'The bytes go to the URL of the answer, with its headers. Then complete the upload. What is in no post, no draft and no profile after a day is removed.',
  tags,
  auth: 'user',
  body: newMedia,
  bodyLimit: '16kb',
  idempotent: true,
  responses: { 201: { description: 'Where to upload it', schema: mediaUpload } },
  problems: { 409: ['TOO_MANY_UPLOADS'], 503: ['MEDIA_STORE_UNAVAILABLE'] },
});

export const completeMediaRoute = defineRoute({
  method: 'post',
  path: '/api/v1/posts/media/:id/complete',
  operationId: 'completeMedia',
  summary: 'Say that a picture is uploaded',
  description:
    'It is looked through and made anew: what it says of its camera, its place and its maker is gone. From then on a post or a profile can name it.',
  tags,
  auth: 'user',
  params,
  idempotent: true,
  responses: { 200: { description: 'The picture', schema: postMedia } },
  problems: {
    404: ['NOT_FOUND'],
    409: ['MEDIA_NOT_UPLOADED', 'MEDIA_IN_PROGRESS'],
    422: ['MEDIA_TYPE_MISMATCH', 'MEDIA_NOT_READABLE', 'MEDIA_TOO_LARGE'],
    503: ['MEDIA_STORE_UNAVAILABLE'],
  },
});

export const describeMediaRoute = defineRoute({
  method: 'patch',
  path: '/api/v1/posts/media/:id',
  operationId: 'describeMedia',
  summary: 'Say what there is to be seen in a picture of yours',
  description:
    'Also of one that a post shows: that makes a version of the post, as every edit does. What it said is in the version of before.',
  tags,
  auth: 'user',
  params,
  body: mediaDescription,
  bodyLimit: '16kb',
  idempotent: true,
  responses: { 200: { description: 'The picture', schema: postMedia } },
  problems: { 404: ['NOT_FOUND'], 409: ['MEDIA_IN_PROGRESS'], 410: ['POST_DELETED'] },
});

const mostIds = 100;

/** `?ids=a,b,c` */
const mediaIds = z
  .string()
  .max(mostIds * 40)
  .transform((ids) => ids.split(','))
  .pipe(z.array(uuid).min(1).max(mostIds))
  .meta({ description: `Up to ${mostIds} ids, with commas between them` });

export const mediaUrl = z
  .object({
    id: uuid,
    url: z
      .string()
      .meta({ description: 'Absolute, or relative to where this was asked; for anybody who has it' }),
    expiresAt: timestamp,
  })
  .meta({ id: 'MediaUrl' });

export type MediaUrl = z.output<typeof mediaUrl>;

export const listMediaRoute = defineRoute({
  method: 'get',
  path: '/api/v1/posts/media',
  operationId: 'listMedia',
  summary: 'Where several pictures are to be had for a short time',
  description:
    'Of those that you may see, in the order of the ids. For what shows pictures without sending a token.',
  tags,
  auth: 'user',
  query: z.strictObject({ ids: mediaIds }),
  responses: { 200: { description: 'The URLs', schema: z.object({ items: z.array(mediaUrl) }) } },
  problems: { 503: ['MEDIA_STORE_UNAVAILABLE'] },
});

export const getMediaRoute = defineRoute({
  method: 'get',
  path: '/api/v1/posts/media/:id',
  operationId: 'getMedia',
  summary: 'See a picture',
  tags,
  auth: 'user',
  params,
  responses: {
    307: {
      description: 'It is there for a short time',
      headers: { Location: 'A signed URL, good for whoever has it' },
    },
  },
  problems: { 404: ['NOT_FOUND'], 410: ['POST_DELETED'], 503: ['MEDIA_STORE_UNAVAILABLE'] },
});

export const postsMediaRoutes = [
  createMediaRoute,
  completeMediaRoute,
  describeMediaRoute,
  listMediaRoute,
  getMediaRoute,
] as const;

const object = {
  path: '/api/v1/posts/media/objects',
  tags,
  auth: 'none',
  // Each URL is given out by a route that is limited, and is good for one object.
  rateLimit: 'none',
  // Not in the path, which logs have.
  query: z.strictObject({ grant: z.string().max(512) }),
} as const;

/** Where the embedded store takes what an upload's URL allows; with S3 there is no such route. */
export const putMediaObjectRoute = defineRoute({
  ...object,
  method: 'put',
  operationId: 'putMediaObject',
  summary: 'Upload to the embedded store',
  responses: { 200: { description: 'It is kept' } },
});

export const getMediaObjectRoute = defineRoute({
  ...object,
  method: 'get',
  operationId: 'getMediaObject',
  summary: 'Read from the embedded store',
  responses: { 200: { description: 'The bytes' } },
});
