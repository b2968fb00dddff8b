import { randomUUID } from 'node:crypto';
import { createDatabase } from '@rostrum/data-access';
import type { Service } from '@rostrum/service-kit';
import { waitFor } from '@rostrum/testing';
import { AccountEvents } from './account-events';
import { PostsApp, type Caller } from './posts-app';

/**
 * Ids that are not those of people. A new column is one of a person unless it is named here. Who has moderated whom
 * stays in the logs, as nobody can change them: they are ids without names then.
 */
const notPeople =
  /^(id|after|post_id|reposted_id|reply_to|root_id|quote_of|swept_to|avatar_id|event_id|position|about|decision_id|account_jobs\.user_id|profiles\.user_id|(person_)?moderation_log\.(actor_id|person_id))$/;

let app: PostsApp;
let events: AccountEvents;
let worker: Service;
let gone: Caller;
let ada: Caller;
let eve: Caller;

beforeAll(async () => {
  app = await PostsApp.start();
  events = new AccountEvents(app);
});
afterAll(() => app.stop());
beforeEach(async () => {
  gone = await app.member('gone');
  ada = await app.member('ada');
  eve = await app.member('eve');
});

afterEach(() => worker.stop('the test is over'));

interface Column {
  table: string;
  column: string;
}

/** Every column of the service's tables that may name a person. */
async function personalColumns(): Promise<Column[]> {
  const columns = await app.rows<Column>(
    `select c.table_name as "table", c.column_name as "column"
       from information_schema.columns c
       join information_schema.tables t using (table_schema, table_name)
      where c.table_schema = 'posts' and c.data_type = 'uuid' and t.table_type = 'BASE TABLE'`,
  );
  return columns.filter(
    ({ table, column }) => !notPeople.test(column) && !notPeople.test(`${table}.${column}`),
  );
}

const rowsNaming = async ({ table, column }: Column, id: string) =>
  (await app.rows(`select from posts.${table} where ${column} = $1`, [id])).length;

const waitUntilErased = async ({ id }: Caller) =>
  waitFor(
    async () =>
      (
        await app.rows(
          `select from posts.profiles
            where user_id = $1 and username = '~' || user_id
              and not exists(select from posts.account_jobs where user_id = $1)`,
          [id],
        )
      ).length === 1,
    { timeoutMs: 20_000, what: 'the erasure' },
  );

/** Something of every kind that names them: what has no route is put into its table. */
async function liveFully(): Promise<{ answered: string; quoted: string; own: string[] }> {
  const [answered, quoted] = [await ada.post('What do you think?'), await eve.post('Quote me')];
  const own = [
    await gone.post('Hello #world'),
    await gone.post(`I think so, @${ada.username}`, { replyTo: answered.id }),
    await gone.post('As they say', { quoteOf: quoted.id }),
  ].map(({ id }) => id as string);
  await ada.post(`Who is @${gone.username}?`, { replyTo: own[0] });
  for (const [one, other] of [
    [gone, ada],
    [gone, eve],
    [ada, gone],
    [eve, gone],
  ] as const) {
    await one.follow(other.username);
  }
  const values: [table: string, columns: string, values: string, parameters: string[]][] = [
    ['likes', 'user_id, post_id, id', '$1, $2, gen_random_uuid()', [gone.id, answered.id]],
    ['likes', 'user_id, post_id, id', '$1, $2, gen_random_uuid()', [ada.id, own[0] as string]],
    ['reposts', 'user_id, post_id, id', '$1, $2, gen_random_uuid()', [gone.id, quoted.id]],
    ['bookmarks', 'user_id, post_id, id', '$1, $2, gen_random_uuid()', [gone.id, quoted.id]],
    ['drafts', 'id, author_id, text', `gen_random_uuid(), $1, 'Never sent'`, [gone.id]],
    ['feed_fanouts', 'post_id, author_id, created_at', '$2, $1, now()', [gone.id, own[0] as string]],
    ['feed_pulled_authors', 'author_id', '$1', [gone.id]],
    ['media', 'id, owner_id, type, bytes, alt', `gen_random_uuid(), $1, 'image/png', 1, 'Me'`, [gone.id]],
    [
      'post_reports',
      'id, reporter_id, post_id, reason, note, version, round',
      `gen_random_uuid(), $1, $2, 'spam', 'I saw it', 1, 1`,
      [gone.id, quoted.id],
    ],
    [
      'person_reports',
      'id, reporter_id, person_id, reason, round',
      `gen_random_uuid(), $1, $2, 'spam', 1`,
      [gone.id, ada.id],
    ],
    [
      'person_reports',
      'id, reporter_id, person_id, reason, round',
      `gen_random_uuid(), $2, $1, 'spam', 1`,
      [gone.id, ada.id],
    ],
    ['person_cases', 'person_id, state, position', `$1, 'open', gen_random_uuid()`, [gone.id]],
    [
      'moderation_cases',
      'post_id, state, position, claimed_by, claimed_until',
      `$2, 'open', gen_random_uuid(), $1, now() + interval '1 hour'`,
      [gone.id, quoted.id],
    ],
  ];
  for (const [table, columns, list, parameters] of values)
    await app.rows(`insert into posts.${table} (${columns}) values (${list})`, parameters);
  await app.arrange('update posts.posts set likes = likes + 1 where id = any($1)', [[answered.id, own[0]]]);
  await app.arrange('update posts.posts set reposts = reposts + 1 where id = $1', [quoted.id]);
  for (const [table, from, to] of [
    ['blocks', 'blocker_id', 'blocked_id'],
    ['mutes', 'muter_id', 'muted_id'],
    ['follow_requests', 'requester_id', 'target_id'],
  ]) {
    const insert = `insert into posts.${table} (${from}, ${to}, id) values ($1, $2, gen_random_uuid())`;
    await app.rows(insert, [gone.id, ada.id]);
    await app.rows(insert, [eve.id, gone.id]);
  }
  await gone.write('PATCH', '/api/v1/users/me', { bio: 'Me' }, { 'Idempotency-Key': randomUUID() });
  return { answered: answered.id, quoted: quoted.id, own };
}

it('leaves nothing of a deleted account in any table, and all counts right', async () => {
  const { answered, quoted, own } = await liveFully();
  const columns = await personalColumns();
  // Whoever adds a table that names people adds to `liveFully`, and a step to src/purge/erasure.ts.
  const unused = [];
  for (const column of columns) if ((await rowsNaming(column, gone.id)) === 0) unused.push(column);
  expect(unused).toEqual([]);
  for (const path of [
    `/api/v1/posts/${answered}`,
    `/api/v1/posts/${quoted}`,
    `/api/v1/users/${ada.username}`,
  ])
    expect((await eve.get(path)).status).toBe(200);

  worker = await app.startWorker({ PURGE_BATCH: '2' });
  await events.deleted(gone);
  await waitUntilErased(gone);

  const left = [];
  for (const column of columns) if ((await rowsNaming(column, gone.id)) > 0) left.push(column);
  expect(left).toEqual([]);
  const [row] = await app.rows('select * from posts.profiles where user_id = $1', [gone.id]);
  expect(row).toMatchObject({
    username: `~${gone.id}`,
    display_name: null,
    bio: null,
    avatar_id: null,
    followers: 0,
    following: 0,
    deleted_at: expect.any(Date),
  });

  expect((await eve.get(`/api/v1/posts/${answered}`)).json.counts).toMatchObject({ likes: 0, replies: 0 });
  expect((await eve.get(`/api/v1/posts/${quoted}`)).json.counts).toMatchObject({ reposts: 0, quotes: 0 });
  for (const { username } of [ada, eve]) {
    expect((await eve.get(`/api/v1/users/${username}`)).json).toMatchObject({ followers: 0, following: 0 });
  }
  for (const id of own) expect((await ada.get(`/api/v1/posts/${id}`)).status).toBe(404);
  const reports = await app.rows('select reason, note from posts.post_reports where post_id = $1', [quoted]);
  expect(reports).toEqual([{ reason: 'spam', note: null }]);
  expect((await ada.get(`/api/v1/users/${gone.username}`)).status).toBe(404);
  const told = await app.rows(
    `select payload->>'postId' as id from posts.outbox where type = 'post.deleted' and key = $1`,
    [gone.id],
  );
  expect(told.map(({ id }) => id).sort()).toEqual([...own].sort());
});

it('is not seen from the moment on in which it is heard of, and takes effect once', async () => {
  worker = await app.startWorker();
  const post = await gone.post('Now you see me');
  await ada.follow(gone.username);
  expect((await ada.get(`/api/v1/posts/${post.id}`)).status).toBe(200);
  const eventId = randomUUID();
  await events.deleted(gone, eventId);
  await events.deleted(gone, eventId);
  await waitFor(async () => (await ada.get(`/api/v1/posts/${post.id}`)).status === 404);
  await waitUntilErased(gone);
  await events.deleted(gone);
  const last = await app.member('last');
  await events.deleted(last);
  await waitUntilErased(last);
  await waitUntilErased(gone);
  const told = await app.rows(`select from posts.outbox where type = 'post.deleted' and key = $1`, [gone.id]);
  expect(told).toHaveLength(1);
  expect((await ada.get(`/api/v1/users/${ada.username}`)).json.following).toBe(0);
});

it('of somebody who has never been here leaves a row that says that they are gone', async () => {
  worker = await app.startWorker();
  const stranger = await app.person('stranger');
  await events.deleted(stranger);
  await waitUntilErased(stranger);
  expect((await ada.get(`/api/v1/users/${stranger.username}`)).status).toBe(404);
});

it('is gone on with by another worker where one could not', async () => {
  const people: Caller[] = [];
  for (let i = 0; i < 6; i += 1) {
    const person = await app.member('person');
    await gone.follow(person.username);
    people.push(person);
  }
  const [held] = [...people]
    .map(({ id }) => id)
    .sort()
    .slice(3);
  const admin = createDatabase({ url: app.database.adminUrl });
  const failures = () => app.log.lines().filter(({ message }) => message === 'Work on an account failed');
  const remaining = async () => rowsNaming({ table: 'follows', column: 'follower_id' }, gone.id);
  await admin.transaction(async (trx) => {
    await trx.query('hold', 'select from posts.profiles where user_id = $1 for update', [held]);
    worker = await app.startWorker({ PURGE_BATCH: '1', DATABASE_QUERY_TIMEOUT_MS: '1000' });
    await events.deleted(gone);
    await waitFor(() => failures().length > 0, { timeoutMs: 20_000, what: 'the failure' });
    expect(await remaining()).toBe(3);
  });
  await worker.stop('the test says so');
  await admin.close();

  worker = await app.startWorker({ PURGE_BATCH: '1' });
  await waitUntilErased(gone);
  expect(await remaining()).toBe(0);
  for (const { username } of people)
    expect((await ada.get(`/api/v1/users/${username}`)).json).toMatchObject({ followers: 0 });
});
