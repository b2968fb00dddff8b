import { z } from 'zod';
import { timestamp, username, uuid } from './common';
import { defineRoute } from './define-route';
import { person } from './posts-person.contract';
import { writtenText } from './posts-text.contract';

const tags = ['users'] as const;
const params = z.strictObject({ username });

/** What people say of themselves. `null` takes it away. */
const personText = (longest: number) => writtenText(longest, 'must not be empty; null takes it away');

export const displayName = personText(50).refine(
  (text) => !/[\t\n\r\u2028\u2029]/.test(text),
  'must be one line',
);

export const bio = personText(300);

export const profile = person
  .extend({
    isPrivate: z.boolean().meta({ description: 'Only followers see what they write, and who follows them' }),
    bio: z.string().nullable(),
    followers: z.int().nonnegative(),
    following: z.int().nonnegative(),
    createdAt: timestamp,
  })
  .meta({ id: 'Profile', description: 'What others see of an account' });

export type Profile = z.output<typeof profile>;

const headers = { ETag: 'What it says, its counts included' };

export const getProfileRoute = defineRoute({
  method: 'get',
  path: '/api/v1/users/:username',
  operationId: 'getProfile',
  summary: 'Read a profile',
  tags,
  auth: 'user',
  params,
  responses: {
    200: { description: 'The profile', schema: profile, headers },
    304: { description: 'It is still what If-None-Match names' },
  },
  problems: { 404: ['NOT_FOUND'] },
});

/** What is left out stays as it is. */
export const profileChange = z
  .strictObject({
    displayName: displayName.nullable().optional(),
    bio: bio.nullable().optional(),
    avatarId: uuid.nullable().optional().meta({ description: 'A picture that you have uploaded' }),
    isPrivate: z.boolean().optional(),
  })
  .refine((change) => Object.keys(change).length > 0, 'must change something');

export type ProfileChange = z.output<typeof profileChange>;

export const changeProfileRoute = defineRoute({
  method: 'patch',
  path: '/api/v1/users/me',
  operationId: 'changeProfile',
  summary: 'Change your profile',
  description:
    'What is left out stays as it is. Whoever makes their account private keeps their followers; from then on they ' +
    'are asked. Whoever makes it public grants all requests that wait, within a short time.',
  tags,
  auth: 'user',
  body: profileChange,
  bodyLimit: '16kb',
  idempotent: true,
  responses: { 200: { description: 'The profile', schema: profile, headers } },
  problems: { 422: ['MEDIA_NOT_USABLE'] },
});

const mostIds = 100;

/** `?ids=a,b,c` */
const personIds = z
  .string()
  .max(mostIds * 40)
  .transform((ids) => ids.split(','))
  .pipe(z.array(uuid).min(1).max(mostIds))
  .meta({ description: `Up to ${mostIds} ids, with commas between them` });

export const relationship = z
  .object({
    id: uuid,
    following: z.boolean().meta({ description: 'You follow them' }),
    followedBy: z.boolean().meta({ description: 'They follow you' }),
    requested: z.boolean().meta({ description: 'You have asked to follow them' }),
    requestedBy: z.boolean().meta({ description: 'They have asked to follow you' }),
    blocked: z.boolean().meta({ description: 'You have blocked them' }),
    muted: z.boolean().meta({ description: 'You have muted them' }),
  })
  .meta({ id: 'Relationship', description: 'How you and a person are to each other' });

export type Relationship = z.output<typeof relationship>;

export const listRelationshipsRoute = defineRoute({
  method: 'get',
  path: '/api/v1/users/me/relationships',
  operationId: 'listRelationships',
  summary: 'Read how you and several people are to each other',
  description: 'In the order of the ids, each once. Profiles are the same for all; this is what is yours.',
  tags,
  auth: 'user',
  query: z.strictObject({ ids: personIds }),
  responses: {
    200: { description: 'One for each id', schema: z.object({ items: z.array(relationship) }) },
  },
});

export const postsPeopleRoutes = [getProfileRoute, changeProfileRoute, listRelationshipsRoute] as const;
