import { createDatabase, type Database } from '@rostrum/data-access';
import { waitFor } from '@rostrum/testing';
import { PostsApp, type Caller } from './posts-app';

let app: PostsApp;
let admin: Database;
let reader: Caller;

beforeAll(async () => {
  app = await PostsApp.start();
  admin = createDatabase({ url: app.database.adminUrl, max: 2 });
  reader = await app.member('reader');
});
afterAll(async () => {
  await admin.close();
  await app.stop();
});

const search = () => reader.get('/api/v1/posts/search?q=anything');

/** While this is held, no search comes to an end. */
async function holdUp(): Promise<() => Promise<unknown>> {
  const held = Promise.withResolvers<void>();
  const end = Promise.withResolvers<void>();
  const holding = admin.transaction(async (trx) => {
    await trx.query('hold', 'lock table posts.posts in access exclusive mode');
    held.resolve();
    await end.promise;
  });
  await Promise.race([held.promise, holding]);
  return () => {
    end.resolve();
    return holding;
  };
}

const searching = async () => {
  const { rows } = await admin.query<{ count: string }>(
    'searching',
    `select count(*) from pg_stat_activity
      where datname = current_database() and state = 'active' and query like '%search_query%' and pid <> pg_backend_pid()`,
  );
  return Number(rows[0]?.count);
};

it('ends a search that takes too long, in PostgreSQL too, and goes on with others', async () => {
  const release = await holdUp();
  try {
    const answer = await search();
    expect([answer.status, answer.json.code]).toEqual([503, 'SEARCH_UNAVAILABLE']);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    await waitFor(async () => (await searching()) === 0);
  } finally {
    await release();
  }
  expect((await search()).status).toBe(200);
});

it('lets few searches work at once, and refuses what would wait too long', async () => {
  const release = await holdUp();
  try {
    const refused = 'circuit_breaker_rejections_total{name="search",reason="bulkhead-full"}';
    const answers = Promise.all(Array.from({ length: 60 }, search));
    await waitFor(async () => (await app.metric(refused)) > 0);
    expect(await searching()).toBeLessThanOrEqual(4);
    // Whoever looks for nothing is not held up by those who do.
    expect((await reader.get(`/api/v1/users/${reader.username}`)).status).toBe(200);
    const statuses = (await answers).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([503]));
  } finally {
    await release();
  }
  await waitFor(async () => (await search()).status === 200);
});
