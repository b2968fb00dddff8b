import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { createDatabase } from '@rostrum/data-access';
import { createPolicy } from '@rostrum/resilience';
import type { Service } from '@rostrum/service-kit';
import { waitFor } from '@rostrum/testing';
import { cleanImage } from '../src/media/clean-image';
import { LocalObjectStore } from '../src/media/local-object-store';
import { MediaService } from '../src/media/media.service';
import { AccountEvents } from './account-events';
import { look, pictureOf, put, send, upload, type Upload } from './pictures';
import { PostsApp, type Caller } from './posts-app';

let app: PostsApp;
let worker: Service;
let ada: Caller;

beforeAll(async () => {
  app = await PostsApp.start();
});
afterAll(() => app.stop());
beforeEach(async () => {
  ada = await app.member('ada');
});
afterEach(() => worker.stop('the test is over'));

const startWorker = async (settings: Record<string, string> = {}) => {
  worker = await app.startWorker({ MEDIA_REMOVE_EVERY_MS: '200', ...settings });
};

/** What is really in the store, by what comes before and after the slash of its key. */
async function objects(kind: 'uploads' | 'media'): Promise<string[]> {
  const { MEDIA_FOLDER = '' } = app.environment;
  return readdir(path.join(MEDIA_FOLDER, kind)).catch(() => []);
}
const isGone = async (id: string) =>
  !(await objects('media')).includes(id) && !(await objects('uploads')).includes(id);
const rowOf = (id: string) => app.rows('select from posts.media where id = $1', [id]);
const removalsOf = (id: string) =>
  app.rows(`select from posts.media_removals where object_key like '%/' || $1`, [id]);

/** As if it had all been done so long ago. */
async function age(id: string, hours: number): Promise<void> {
  await app.rows(`update posts.media set touched_at = touched_at - $2 * interval '1 hour' where id = $1`, [
    id,
    hours,
  ]);
  await app.rows(
    `update posts.media_removals set due_at = due_at - $2 * interval '1 hour' where object_key like '%/' || $1`,
    [id, hours],
  );
}

/** Something that the worker removes for sure: by then it has looked at all that was there before. */
async function waitForARound(): Promise<void> {
  const { id } = await upload(ada);
  await age(id, 26);
  await waitFor(async () => (await rowOf(id)).length === 0 && (await isGone(id)), { what: 'a round' });
}

it('removes pictures that nobody uses after a day, and keeps those that are used', async () => {
  const [unused, young, inPost, inDraft, avatar] = [
    await upload(ada),
    await upload(ada),
    await upload(ada),
    await upload(ada),
    await upload(ada),
  ];
  await ada.post('Look', { media: [inPost.id] });
  await ada.write('POST', '/api/v1/posts/drafts', { text: 'Soon', media: [inDraft.id] });
  await ada.write('PATCH', '/api/v1/users/me', { avatarId: avatar.id });
  for (const { id } of [unused, inPost, inDraft, avatar]) await age(id, 26);
  await age(young.id, 20);
  await startWorker();
  await waitFor(() => isGone(unused.id), { what: 'the unused one to go' });
  await waitForARound();
  expect(await rowOf(unused.id)).toEqual([]);
  expect((await look(ada, unused.id)).status).toBe(404);
  for (const { id } of [young, inPost, inDraft, avatar]) expect((await look(ada, id)).status).toBe(200);
  // What was uploaded is not needed any more once it is completed.
  expect((await objects('uploads')).includes(inPost.id)).toBe(false);
  expect(await app.metric('media_objects_removed_total', app.workerOpsUrl)).toBeGreaterThan(0);
});

it('removes uploads that were never completed, or could not be', async () => {
  const bytes = await pictureOf('image/png');
  const asked = await ada.write('POST', '/api/v1/posts/media', { type: 'image/png', bytes: bytes.length });
  const { id, upload: where } = asked.json as Upload;
  await put(ada.at(where.url), where, bytes);
  const refused = await send(ada, Buffer.from('no picture'), { type: 'image/png' });
  for (const each of [id, refused.id]) {
    expect(await objects('uploads')).toContain(each);
    await age(each, 26);
  }
  await startWorker();
  for (const each of [id, refused.id])
    await waitFor(async () => (await isGone(each)) && (await rowOf(each)).length === 0, { what: 'its end' });
  // A note goes after its object.
  await waitFor(async () => (await removalsOf(id)).length === 0, { what: 'the end of its note' });
});

it('takes the pictures of an account and of a post that are removed for good', async () => {
  const events = new AccountEvents(app);
  const gone = await app.member('gone');
  const [avatar, loose, inPost] = [await upload(gone), await upload(gone), await upload(gone)];
  await gone.write('PATCH', '/api/v1/users/me', { avatarId: avatar.id });
  await gone.post('Look', { media: [inPost.id] });
  const purged = await upload(ada);
  const post = await ada.post('Look', { media: [purged.id] });
  await ada.write('DELETE', `/api/v1/posts/${post.id}`);
  expect((await look(ada, purged.id)).status).toBe(410);

  await startWorker({ DELETED_POSTS_KEPT_SECONDS: '0', PURGE_BATCH: '1' });
  await events.deleted(gone);
  for (const { id } of [avatar, loose, inPost, purged]) {
    await waitFor(async () => (await rowOf(id)).length === 0, { what: 'the row to go', timeoutMs: 40_000 });
    await waitFor(async () => !(await objects('media')).includes(id), { what: 'the object to go' });
  }
});

it('goes on where a worker died: neither a note nor an object is left for ever', async () => {
  const [noted, half] = [await upload(ada), await upload(ada)];
  // Died after the row was gone; died after the object was gone, too.
  for (const { id } of [noted, half]) {
    await app.rows(
      `with gone as (delete from posts.media where id = $1)
       insert into posts.media_removals (object_key, due_at) values ('media/' || $1::text, now())`,
      [id],
    );
    await age(id, 26);
  }
  const { MEDIA_FOLDER = '' } = app.environment;
  await rm(path.join(MEDIA_FOLDER, 'media', half.id));
  // Died in the middle of completing one: the picture is written, its row says nothing of that.
  const bytes = await pictureOf('image/png');
  const asked = await ada.write('POST', '/api/v1/posts/media', { type: 'image/png', bytes: bytes.length });
  const { id, upload: where } = asked.json as Upload;
  await put(ada.at(where.url), where, bytes);
  await ada.write('POST', `/api/v1/posts/media/${id}/complete`);
  await app.rows(
    `with undone as (update posts.media set completed_at = null, width = null, height = null where id = $1)
     insert into posts.media_removals (object_key, due_at) values ('media/' || $1::text, now() + interval '2 hours')`,
    [id],
  );
  expect(await objects('media')).toContain(id);
  await age(id, 26);
  await startWorker();
  for (const each of [noted.id, half.id, id])
    await waitFor(async () => (await isGone(each)) && (await removalsOf(each)).length === 0, {
      what: 'the removal',
    });
});

it('leaves nothing of a picture whose row goes while it is being completed', async () => {
  const bytes = await pictureOf('image/png');
  const asked = await ada.write('POST', '/api/v1/posts/media', { type: 'image/png', bytes: bytes.length });
  const { id, upload: where } = asked.json as Upload;
  await put(ada.at(where.url), where, bytes);
  const { MEDIA_FOLDER = '', MEDIA_FOLDER_SECRET = '' } = app.environment;
  const database = createDatabase({ url: app.database.url, max: 2 });
  const service = new MediaService({
    database,
    store: new LocalObjectStore(MEDIA_FOLDER, MEDIA_FOLDER_SECRET),
    atOnce: createPolicy({ name: 'pictures', timeoutMs: 20_000, breaker: false }),
    clean: async (...picture) => {
      await app.rows('delete from posts.media where id = $1', [id]);
      return cleanImage(...picture);
    },
    events: { mediaCompleted: () => undefined, mediaRefused: () => undefined },
  });
  const { signal } = new AbortController();
  const completing = service.complete(ada.id, id, { write: (work) => database.transaction(work), signal });
  await expect(completing).rejects.toMatchObject({ status: 404 });
  await database.close();
  expect(await objects('media')).toContain(id);
  expect(await removalsOf(id)).toHaveLength(2);
  await age(id, 26);
  await startWorker();
  await waitFor(async () => (await isGone(id)) && (await removalsOf(id)).length === 0, { what: 'its end' });
});
