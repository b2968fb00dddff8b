import { waitFor } from '@rostrum/testing';
import { PostsApp, type Caller } from './posts-app';

let app: PostsApp;
let ada: Caller;

beforeAll(async () => {
  app = await PostsApp.start();
  await app.startWorker({ DELETED_POSTS_KEPT_SECONDS: '3600', PURGE_BATCH: '2' });
});
afterAll(() => app.stop());
beforeEach(async () => {
  ada = await app.member('ada');
});

const remove = async (id: string, hoursAgo: number) => {
  expect((await ada.write('DELETE', `/api/v1/posts/${id}`)).status).toBe(204);
  await app.arrange(`update posts.posts set deleted_at = now() - $2 * interval '1 hour' where id = $1`, [
    id,
    hoursAgo,
  ]);
};
const isThere = async (id: string) =>
  (await app.rows('select from posts.posts where id = $1', [id])).length > 0;

it('removes deleted posts after their time with all that hangs on them, and no others', async () => {
  const [young, alive] = [await ada.post('Young'), await ada.post('Alive')];
  const old: string[] = [];
  for (let i = 0; i < 5; i += 1) {
    const { id } = await ada.post(`Old #tag${i} @${ada.username}`);
    const read = await ada.get(`/api/v1/posts/${id}`);
    const ifMatch = { 'If-Match': read.headers.get('etag') ?? '' };
    await ada.write('PATCH', `/api/v1/posts/${id}`, { text: `Older #tag${i}` }, ifMatch);
    await app.rows('insert into posts.likes (user_id, post_id, id) values ($1, $2, gen_random_uuid())', [
      ada.id,
      id,
    ]);
    old.push(id);
  }
  const purged = () => app.metric('posts_purged_total', app.workerOpsUrl);
  const before = await purged();
  await remove(young.id, 0.5);
  for (const id of old) await remove(id, 2);
  expect((await ada.get(`/api/v1/posts/${young.id}`)).status).toBe(410);

  for (const id of old)
    await waitFor(async () => !(await isThere(id)), { timeoutMs: 20_000, what: 'the purge' });
  await waitFor(async () => (await purged()) === before + old.length);
  for (const table of ['likes', 'post_mentions', 'post_tags', 'post_versions']) {
    expect([table, await app.rows(`select from posts.${table} where post_id = any($1)`, [old])]).toEqual([
      table,
      [],
    ]);
  }
  expect((await ada.get(`/api/v1/posts/${old[0]}`)).status).toBe(404);
  expect((await ada.get(`/api/v1/posts/${young.id}`)).status).toBe(410);
  expect((await ada.get(`/api/v1/posts/${alive.id}`)).status).toBe(200);
  // That they were deleted has been told when they were.
  const told = await app.rows(`select from posts.outbox where type = 'post.deleted' and key = $1`, [ada.id]);
  expect(told).toHaveLength(old.length + 1);
});

it('leaves answers where they are, and counts no deletion twice', async () => {
  const grace = await app.member('grace');
  const parent = await ada.post('Question');
  const child = await ada.post('Answer', { replyTo: parent.id });
  const answer = await grace.post('Answer to the answer', { replyTo: child.id });
  await remove(child.id, 2);
  expect((await ada.get(`/api/v1/posts/${parent.id}`)).json.counts.replies).toBe(0);
  await waitFor(async () => !(await isThere(child.id)), { timeoutMs: 20_000, what: 'the purge' });
  expect((await ada.get(`/api/v1/posts/${parent.id}`)).json.counts.replies).toBe(0);
  expect((await ada.get(`/api/v1/posts/${answer.id}`)).json).toMatchObject({ replyTo: child.id });
});
