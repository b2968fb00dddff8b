import { homeFeedRoute } from '@rostrum/contracts';
import { waitFor } from '@rostrum/testing';
import type { Caller, PostsApp } from './posts-app';

const page = homeFeedRoute.responses[200].schema;

/** What stands in a feed: a post, and who has passed it on where that is why it stands there. */
export interface FeedPlace {
  id: string;
  by: string | undefined;
}

/** The ids of the posts of a whole feed, page by page. */
export async function feedOf(caller: Caller, limit = 100): Promise<string[]> {
  return (await placesOf(caller, limit)).map(({ id }) => id);
}

export async function placesOf(caller: Caller, limit = 100): Promise<FeedPlace[]> {
  const places: FeedPlace[] = [];
  let path: string | undefined = `/api/v1/feed?limit=${limit}`;
  while (path) {
    const { status, json, text } = await caller.get(path);
    if (status !== 200) throw new Error(`The feed was answered ${status} ${text}`);
    const { items, nextCursor } = page.parse(json);
    places.push(...items.map(({ id, repostedBy }) => ({ id, by: repostedBy?.id })));
    path = nextCursor === null ? undefined : `/api/v1/feed?limit=${limit}&cursor=${nextCursor}`;
  }
  return places;
}

/**
 * What a feed is, by the tables alone: what those whom the viewer follows and they themselves have posted and passed on,
 * and on each page each post once.
 */
export async function feedByTables(app: PostsApp, viewerId: string, limit = 100): Promise<FeedPlace[]> {
  const rows = await app.rows<{ id: string; by: string | null }>(
    `with person as (
       select user_id as id from posts.profiles a
        where not exists (select from posts.blocks
                           where (blocker_id, blocked_id) in (($1, a.user_id), (a.user_id, $1)))
          and not exists (select from posts.mutes where (muter_id, muted_id) = ($1, a.user_id))),
     source as (
       select id from person
        where id = $1 or id in (select followee_id from posts.follows where follower_id = $1)),
     post as (
       select id, author_id from posts.posts
        where deleted_at is null and hidden_at is null and author_id in (select id from person))
     select id, by from (
       select id as position, id, null::uuid as by from post where author_id in (select id from source)
        union all
       select r.id, post.id, r.user_id from posts.reposts r join post on post.id = r.post_id
        where r.user_id in (select id from source)) entry
      order by position desc`,
    [viewerId],
  );
  const pages: FeedPlace[][] = [];
  for (const { id, by } of rows) {
    const page = pages.at(-1);
    if (page?.some((place) => place.id === id) && page.length < limit) continue;
    const place = { id, by: by ?? undefined };
    if (page && page.length < limit) page.push(place);
    else pages.push([place]);
  }
  return pages.flat();
}

const events = ['post.created', 'post.reposted', 'user.followed', 'user.unfollowed', 'user.blocked'];

/** Until every post that has been published is where it belongs: no event and no fan-out waits. */
export async function everythingBrought(app: PostsApp): Promise<void> {
  await waitFor(
    async () => {
      const waiting = await app.rows<{ what: string }>(
        `select type || case when published_at is null then ', not published' else '' end as what
           from posts.outbox o
          where type = any($1)
            and not exists (select from posts.inbox i where i.event_id = o.id and i.consumer = 'posts')
          union all select 'a fan-out after ' || batches || ' batches' from posts.feed_fanouts`,
        [events],
      );
      if (waiting.length > 0) throw new Error(waiting.map(({ what }) => what).join(', '));
      return true;
    },
    { what: 'an end of all fan-outs', timeoutMs: 90_000 },
  );
}

/** Feeds that are cached from now on. */
export async function readAll(callers: readonly Caller[]): Promise<void> {
  await Promise.all(callers.map((caller) => feedOf(caller)));
}
