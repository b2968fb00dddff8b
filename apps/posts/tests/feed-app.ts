import { homeFeedRoute } from '@rostrum/contracts';
import { waitFor } from '@rostrum/testing';
import type { Caller, PostsApp } from './posts-app';

const page = homeFeedRoute.responses[200].schema;

/** The ids of a whole feed, page by page. */
export async function feedOf(caller: Caller, limit = 100): Promise<string[]> {
  const ids: string[] = [];
  let path: string | undefined = `/api/v1/feed?limit=${limit}`;
  while (path) {
    const { status, json, text } = await caller.get(path);
    if (status !== 200) throw new Error(`The feed was answered ${status} ${text}`);
    const { items, nextCursor } = page.parse(json);
    ids.push(...items.map(({ id }) => id));
    path = nextCursor === null ? undefined : `/api/v1/feed?limit=${limit}&cursor=${nextCursor}`;
  }
  return ids;
}

/** What a feed is, by the tables alone: posts of those whom the viewer follows, and their own. */
export async function feedByTables(app: PostsApp, viewerId: string): Promise<string[]> {
  const rows = await app.rows<{ id: string }>(
    `select id from posts.posts p
      where deleted_at is null and hidden_at is null
        and (author_id = $1 or author_id in (select followee_id from posts.follows where follower_id = $1))
        and not exists (select from posts.blocks
                         where (blocker_id, blocked_id) in (($1, p.author_id), (p.author_id, $1)))
        and not exists (select from posts.mutes where (muter_id, muted_id) = ($1, p.author_id))
      order by id desc`,
    [viewerId],
  );
  return rows.map(({ id }) => id);
}

const events = ['post.created', 'user.followed', 'user.unfollowed', 'user.blocked'];

/** Until every post that has been published is where it belongs: no event and no fan-out waits. */
export async function everythingBrought(app: PostsApp): Promise<void> {
  await waitFor(
    async () => {
      const [row] = await app.rows<{ waiting: number }>(
        `select (select count(*) from posts.outbox o where type = any($1)
                   and not exists (select from posts.inbox i where i.event_id = o.id and i.consumer = 'posts'))::int
                + (select count(*) from posts.feed_fanouts)::int as waiting`,
        [events],
      );
      return row?.waiting === 0;
    },
    { what: 'an end of all fan-outs', timeoutMs: 90_000 },
  );
}

/** Feeds that are cached from now on. */
export async function readAll(callers: readonly Caller[]): Promise<void> {
  await Promise.all(callers.map((caller) => feedOf(caller)));
}
