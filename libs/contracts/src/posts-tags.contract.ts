import { z } from 'zod';
import { pageQuery } from './common';
import { defineRoute } from './define-route';
import { postPage } from './posts-feed.contract';

const tags = ['tags'] as const;

/** A tag as texts may have it, without the `#`. Tags that look the same are the same: it may be written in any case. */
export const tagName = z
  .string()
  .regex(
    /^(?=[\p{N}_]*\p{L})[\p{L}\p{N}\p{M}_]{1,64}$/u,
    'must be letters, digits and _, and a letter among them',
  )
  .meta({ id: 'TagName', example: 'sunrise' });

export const listPostsWithTagRoute = defineRoute({
  method: 'get',
  path: '/api/v1/posts/tags/:tag',
  operationId: 'listPostsWithTag',
  summary: 'Read the posts with a tag, newest first',
  tags,
  auth: 'user',
  params: z.strictObject({ tag: tagName }),
  query: pageQuery,
  responses: {
    200: {
      description: 'A page of posts',
      schema: postPage,
      headers: { Link: 'The next page, as rel="next"' },
    },
  },
  problems: { 400: ['INVALID_CURSOR'] },
});

export const trendingTag = z
  .object({ tag: z.string(), people: z.int().positive() })
  .meta({ id: 'TrendingTag', description: 'A tag, and how many people have used it in the last day' });

export type TrendingTag = z.output<typeof trendingTag>;

export const listTrendingTagsRoute = defineRoute({
  method: 'get',
  path: '/api/v1/posts/tags',
  operationId: 'listTrendingTags',
  summary: 'Read the tags that most people have used in the last day',
  tags,
  auth: 'user',
  responses: {
    200: { description: 'Up to 20 tags', schema: z.object({ items: z.array(trendingTag) }) },
  },
});

export const postsTagsRoutes = [listPostsWithTagRoute, listTrendingTagsRoute] as const;
