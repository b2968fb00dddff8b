import { withClient } from '@rostrum/data-access';
import { waitFor } from '@rostrum/testing';
import { PostsApp, type Caller } from './posts-app';

let app: PostsApp;
let ada: Caller;

beforeAll(async () => {
  app = await PostsApp.start();
  ada = await app.person('ada');
});
afterAll(() => app.stop());

/** How many statements of the service wait for a lock. */
async function waiting(): Promise<number> {
  const rows = await app.rows(
    `select 1 as one from pg_stat_activity
      where datname = current_database() and usename <> current_user and wait_event_type = 'Lock'`,
  );
  return rows.length;
}

/** Asks while nobody can read or write the tables, and goes away before they can again. */
async function askAndLeave(method: string, path: string): Promise<void> {
  await withClient(app.database.adminUrl, async (admin) => {
    await admin.query('begin; lock table posts.posts, posts.profiles, posts.follows');
    const client = new AbortController();
    const asked = ada.send(method, path, { signal: client.signal });
    await waitFor(async () => (await waiting()) === 1, { what: 'a statement that waits' });
    client.abort();
    await expect(asked).rejects.toThrow('aborted');
    await waitFor(async () => (await waiting()) === 0, { what: 'the end of the statement' });
    await admin.query('rollback');
  });
}

it.each([
  ['GET', '/api/v1/feed'],
  ['GET', '/api/v1/posts/0197c3a5-6f0e-7c3e-8d54-0d5d8b9f2a11'],
  ['GET', '/api/v1/users/somebody_else'],
  ['PUT', '/api/v1/users/somebody_else/follow'],
  ['DELETE', '/api/v1/users/somebody_else/follow'],
])('%s %s is ended at PostgreSQL when the client goes away', async (method, path) => {
  await askAndLeave(method, path);
  expect((await ada.get('/api/v1/feed')).status).toBe(200);
  expect(app.log.lines().filter(({ level }) => level === 'error')).toEqual([]);
});
