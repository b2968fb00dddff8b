import { createPostRoute, postCreated } from '@rostrum/contracts';
import { arrayLiteral, GatheredKeys, type GatheredColumn, type KeyToKeep } from '@rostrum/data-access';
import type { EventRow } from '@rostrum/service-kit';
import type { Post } from './post';

/** A new post that answers and quotes nothing, with all that is written along with it. */
export interface GatheredPost {
  post: Post;
  tags: readonly string[];
  event: EventRow;
  key: KeyToKeep | undefined;
}

const keys = new GatheredKeys({ schema: 'posts', operation: createPostRoute.operationId });

const columns: readonly GatheredColumn[] = [
  { name: 'id', type: 'uuid' },
  { name: 'author_id', type: 'uuid' },
  { name: 'username', type: 'text' },
  { name: 'text', type: 'text' },
  { name: 'facets', type: 'text' },
  { name: 'visibility', type: 'text' },
  { name: 'created_at', type: 'timestamptz' },
  { name: 'tags', type: 'text' },
  { name: 'event_id', type: 'uuid' },
  { name: 'payload', type: 'text' },
  { name: 'traceparent', type: 'text' },
];

/**
 * Posts, their authors whose tokens are here before the events of their registration, what is told of the posts, and
 * the keys of their requests are one statement, so that no crash comes between. People are written in the order of their
 * ids: whoever writes the same ones at the same time waits, and never in a ring. Most are there: to look costs half of
 * what a conflict does.
 */
export const insertPosts = {
  name: 'insert_posts',
  text: `${keys.statementOf(columns)},
    authors as (
      insert into profiles (user_id, username, created_at)
      select distinct on (author_id) author_id, username, now() from taken
       where not exists (select from profiles where user_id = author_id) order by author_id
          on conflict (user_id) do nothing),
    written as (
      insert into posts (id, author_id, text, facets, visibility, created_at, words_wait)
      select id, author_id, text, facets::jsonb, visibility, created_at, true from taken),
    tagged as (
      insert into post_tags (post_id, tag)
      select id, unnest(tags::text[]) from taken where tags is not null),
    told as (
      insert into outbox (id, type, version, key, payload, traceparent)
      select event_id, '${postCreated.type}', ${postCreated.version}, author_id::text, payload::jsonb, traceparent
        from taken order by place)
    select place::int as place from asked where place not in (select place from taken)`,
  valuesOf: ({ post, tags, event, key }: GatheredPost): readonly unknown[] => [
    ...keys.valuesOf(key),
    post.id,
    post.author.id,
    post.author.username,
    post.text,
    post.facets.length === 0 ? '[]' : JSON.stringify(post.facets),
    post.visibility,
    post.createdAt.toISOString(),
    tags.length === 0 ? null : arrayLiteral(tags),
    event.id,
    event.payload,
    event.traceparent,
  ],
};
