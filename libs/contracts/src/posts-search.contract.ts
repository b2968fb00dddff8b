import { z } from 'zod';
import { pageOf, pageQuery } from './common';
import { defineRoute } from './define-route';
import { postPage } from './posts-feed.contract';
import { personPage } from './posts-person.contract';

const tags = ['search'] as const;
const headers = { Link: 'The next page, as rel="next"' };
const problems = { 400: ['INVALID_CURSOR'], 503: ['SEARCH_UNAVAILABLE'] };

/** Whatever is typed is a search, and none is wrong: what has no letters, digits or symbols finds nothing. */
const searchText = z
  .string()
  .max(200)
  .refine((text) => text.trim() !== '', 'must not be empty');

export const searchPostsRoute = defineRoute({
  method: 'get',
  path: '/api/v1/posts/search',
  operationId: 'searchPosts',
  summary: 'Find posts by their words, newest first',
  description:
    'All words must be there, in whatever order, case and accents. `"in quotes"` they stand side by side, `or` is ' +
    'between what may be there instead, and `-word` must not be. Scripts without spaces are found by any part. ' +
    'The text as it is now counts. People whom you mute are left out.',
  tags,
  auth: 'user',
  query: pageQuery.extend({ q: searchText.meta({ example: 'sunrise "north sea" -storm' }) }),
  responses: { 200: { description: 'A page of posts', schema: postPage, headers } },
  problems,
});

export const searchPeopleRoute = defineRoute({
  method: 'get',
  path: '/api/v1/users/search',
  operationId: 'searchPeople',
  summary: 'Find people by their names',
  description:
    'First whose usernames begin so, in their order; then whose username or display name has something like it, the ' +
    'most similar first. One or two letters find the former only. People whom you mute are left out.',
  tags,
  auth: 'user',
  query: pageQuery.extend({ q: searchText.meta({ example: 'ada' }) }),
  responses: { 200: { description: 'A page of people', schema: personPage, headers } },
  problems,
});

export const foundTag = z
  .object({ tag: z.string() })
  .meta({ id: 'FoundTag', description: 'A tag, as posts with it are read by' });

export type FoundTag = z.output<typeof foundTag>;

export const foundTagPage = pageOf(foundTag).meta({ id: 'FoundTagPage' });

export const searchTagsRoute = defineRoute({
  method: 'get',
  path: '/api/v1/posts/tags/search',
  operationId: 'searchTags',
  summary: 'Find tags',
  description:
    'First those that begin so, in the order of their characters, then those that have something like it, the most ' +
    'similar first. Only tags of posts that you see, among the newest of each tag. Without `q` it is what it is for ' +
    'any other tag: the posts with the tag `search`.',
  tags,
  auth: 'user',
  query: pageQuery.extend({ q: searchText.optional().meta({ example: 'sun' }) }),
  responses: {
    200: {
      description: 'A page of tags; without `q`, of posts',
      schema: z.union([foundTagPage, postPage]),
      headers,
    },
  },
  problems,
});

export const postsSearchRoutes = [searchPostsRoute, searchPeopleRoute, searchTagsRoute] as const;
