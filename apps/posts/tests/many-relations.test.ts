import { mostRelationsKept } from '../src/visibility/viewer-relations';
import { PostsApp, type Caller } from './posts-app';

let app: PostsApp;
let viewer: Caller;
let strangers: string[];

beforeAll(async () => {
  app = await PostsApp.start();
  await app.rows(
    `insert into posts.profiles (user_id, username, created_at)
     select gen_random_uuid(), 'stranger_' || i, now() from generate_series(1, $1::int) i`,
    [mostRelationsKept + 1],
  );
  const rows = await app.rows<{ user_id: string }>(
    `select user_id from posts.profiles where username like 'stranger_%'`,
  );
  strangers = rows.map(({ user_id }) => user_id);
});
afterAll(() => app.stop());
beforeEach(async () => {
  viewer = await app.member('viewer');
});

const statusOf = async (id: string) => (await viewer.get(`/api/v1/posts/${id}`)).status;
const asked = () => app.metric('db_query_duration_seconds_count{operation="find_relations_with"}');

/** Blocked by so many strangers, and muting as many. */
async function befamous(count: number): Promise<void> {
  const some = strangers.slice(0, count);
  await app.arrange(
    'insert into posts.blocks (blocker_id, blocked_id, id) select unnest($2::uuid[]), $1, gen_random_uuid()',
    [viewer.id, some],
  );
  await app.arrange(
    'insert into posts.mutes (muter_id, muted_id, id) select $1, unnest($2::uuid[]), gen_random_uuid()',
    [viewer.id, some],
  );
}

it.each([
  ['as many as are kept', mostRelationsKept - 1, false],
  ['more than are kept', mostRelationsKept + 1, true],
])('is as exact for somebody who has %s', async (_what, count, isAsked) => {
  const [blocker, blocked, muted, friend] = (await Promise.all(
    ['blocker', 'blocked', 'muted', 'friend'].map((name) => app.member(name)),
  )) as [Caller, Caller, Caller, Caller];
  const posts = await Promise.all([blocker, blocked, muted, friend].map((author) => author.post('Hello')));
  for (const author of [muted, friend]) await viewer.follow(author.username);
  await befamous(count - 1);
  await app.arrange(
    `insert into posts.blocks (blocker_id, blocked_id, id)
     values ($1, $2, gen_random_uuid()), ($2, $3, gen_random_uuid())`,
    [blocker.id, viewer.id, blocked.id],
  );
  await app.arrange('insert into posts.mutes (muter_id, muted_id, id) values ($1, $2, gen_random_uuid())', [
    viewer.id,
    muted.id,
  ]);

  const before = (await asked()) || 0;
  for (let time = 0; time < 2; time += 1) {
    expect(await Promise.all(posts.map(({ id }) => statusOf(id)))).toEqual([404, 404, 200, 200]);
  }
  const feed = await viewer.get('/api/v1/feed');
  expect(feed.json.items.map(({ id }: { id: string }) => id)).toEqual([posts[3].id]);
  for (const [person, status] of [
    [blocker, 404],
    [blocked, 404],
    [muted, 200],
    [friend, 200],
  ] as const) {
    expect((await viewer.get(`/api/v1/users/${person.username}`)).status).toBe(status);
  }
  expect(((await asked()) || 0) > before).toBe(isAsked);
});
