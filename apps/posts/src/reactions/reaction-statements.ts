import { textArrayParameter } from '@rostrum/data-access';
import type { ReactionKind, ReactionRow } from './reaction';

const tables: Record<ReactionKind, string> = { like: 'likes', repost: 'reposts', bookmark: 'bookmarks' };

/** A statement that writes many reactions of a kind, which come as one array per column. Its rows are what it changed. */
export interface ReactionStatement {
  name: string;
  text: string;
  valuesOf: (row: ReactionRow) => readonly unknown[];
}

const personColumns = ['uuid', 'text', 'uuid', 'uuid'];
const eventColumns = ['uuid', 'text', 'int', 'text', 'text', 'text'];

function valuesOf({ id, person, postId, event }: ReactionRow): unknown[] {
  const reaction = [person.id, person.username, postId, id];
  if (!event) return reaction;
  return [...reaction, event.id, event.type, event.version, event.key, event.payload, event.traceparent];
}

/** Which of the columns above has the posts. */
export const postColumn = 2;

/**
 * The reaction, the count in the post and what is told of it are one statement, so that no crash comes between. What
 * was there already changes no count and tells nobody.
 *
 * Posts are locked before anything is written of them, in the order of their ids: whoever changes the same ones at the
 * same time waits, and never in a ring.
 */
export function addingStatement(kind: ReactionKind): ReactionStatement {
  const table = tables[kind];
  return {
    name: `add_${table}`,
    text: `${askedFor(kind)},
      people as (
        insert into profiles (user_id, username, created_at)
        select distinct on (user_id) user_id, username, now() from asked order by user_id
            on conflict (user_id) do nothing),
      post as (
        select id from posts where id in (select post_id from asked) and deleted_at is null
         order by id ${lockOf(kind)}),
      changed as (
        insert into ${table} (user_id, post_id, id)
        select user_id, post_id, asked.id from post join asked on asked.post_id = post.id
            on conflict (user_id, post_id) do nothing
        returning id, post_id)
      ${countAndTell(kind, '+', 'asked.id = changed.id')}
      select from changed`,
    valuesOf,
  };
}

export function removingStatement(kind: ReactionKind): ReactionStatement {
  const table = tables[kind];
  return {
    name: `remove_${table}`,
    text: `${askedFor(kind)},
      post as (
        select id from posts where id in (select post_id from asked) order by id ${lockOf(kind)}),
      changed as (
        delete from ${table} as reaction using post join asked on asked.post_id = post.id
         where reaction.post_id = post.id and reaction.user_id = asked.user_id
        returning asked.id, reaction.post_id)
      ${countAndTell(kind, '-', 'asked.id = changed.id')}
      select from changed`,
    valuesOf,
  };
}

const isPrivate = (kind: ReactionKind) => kind === 'bookmark';

function askedFor(kind: ReactionKind): string {
  const types = isPrivate(kind) ? personColumns : [...personColumns, ...eventColumns];
  const arrays = types.map((type, index) => textArrayParameter(index + 1, type)).join(', ');
  const event = isPrivate(kind) ? '' : ', event_id, type, version, key, payload, traceparent';
  return `with asked as (
        select * from unnest(${arrays}) as row (user_id, username, post_id, id${event}))`;
}

/** What is not counted changes no post. */
function lockOf(kind: ReactionKind): string {
  return isPrivate(kind) ? '' : 'for no key update';
}

function countAndTell(kind: ReactionKind, sign: '+' | '-', isSame: string): string {
  if (isPrivate(kind)) return '';
  const count = tables[kind];
  return `, counted as (
        update posts set ${count} = posts.${count} ${sign} made.count
          from (select post_id, count(*)::int as count from changed group by post_id) made
         where posts.id = made.post_id),
      told as (
        insert into outbox (id, type, version, key, payload, traceparent)
        select event_id, type, version, key, payload::jsonb, traceparent
          from changed join asked on ${isSame})`;
}
