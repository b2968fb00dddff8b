import { waitFor } from '@rostrum/testing';
import { look, pictureOf, put, secret, upload, type Upload } from './pictures';
import { PostsApp, type Caller } from './posts-app';
import { S3Server } from './s3-server';
import { WorkerProcesses } from './worker-process';

const credentials = { accessKeyId: 'AKTEST', secretAccessKey: 's/e+cret', region: 'eu-central-1' };
const route = '/api/v1/posts/media';
/** Several processes are started one after the other, on a machine that may be busy. */
const longTestMs = 120_000;

let s3: S3Server;
let app: PostsApp;
let ada: Caller;
let workers: WorkerProcesses | undefined;

beforeAll(async () => {
  s3 = await S3Server.start(credentials);
  app = await PostsApp.start({
    through: () =>
      Promise.resolve({
        MEDIA_FOLDER: '',
        MEDIA_FOLDER_SECRET: '',
        MEDIA_S3_BUCKET_URL: s3.bucketUrl,
        MEDIA_S3_REGION: credentials.region,
        MEDIA_S3_ACCESS_KEY_ID: credentials.accessKeyId,
        MEDIA_S3_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      }),
  });
  ada = await app.member('ada');
});
afterAll(async () => {
  await workers?.close();
  await app.stop();
  await s3.stop();
});

const keyOf = (id: string) => `/pictures/media/${id}`;

it('pictures go to the bucket and come from it, and none of their bytes through us', async () => {
  const eve = await app.member('eve');
  const { id } = await upload(ada, 'image/jpeg');
  expect(s3.objects.get(keyOf(id))?.type).toBe('image/jpeg');
  await ada.post('Look', { media: [id] });
  const { status, headers, bytes } = await look(eve, id);
  expect([status, headers.get('content-type'), headers.get('content-disposition')]).toEqual([
    200,
    'image/jpeg',
    `attachment;filename="${id}.jpg"`,
  ]);
  expect(bytes.equals(s3.objects.get(keyOf(id))?.bytes ?? Buffer.alloc(0))).toBe(true);
  expect(bytes.includes(secret)).toBe(false);
  // The route of the embedded store is not there.
  expect((await fetch(ada.at(`${route}/objects?grant=x`), { method: 'PUT' })).status).toBe(405);
});

it('while the bucket is away pictures wait, and posts are read and written', async () => {
  const { id: shown } = await upload(ada);
  const bytes = await pictureOf('image/png');
  const asked = await ada.write('POST', route, { type: 'image/png', bytes: bytes.length });
  const { id, upload: where } = asked.json as Upload;
  await put(where.url, where, bytes);
  s3.failures = 1_000;
  const refused = await ada.write('POST', `${route}/${id}/complete`);
  expect([refused.status, refused.json.code]).toEqual([503, 'MEDIA_STORE_UNAVAILABLE']);
  expect(refused.headers.get('retry-after')).not.toBeNull();
  const { id: postId } = await ada.post('Look', { media: [shown] });
  expect((await ada.get(`/api/v1/posts/${postId}`)).status).toBe(200);
  expect((await ada.send('GET', `${route}/${shown}`, { redirect: 'manual' })).status).toBe(307);
  s3.failures = 0;
  await waitFor(async () => (await ada.write('POST', `${route}/${id}/complete`)).status === 200, {
    what: 'the picture, once the bucket is back',
  });
});

it(
  'the worker removes what is due, however often it is killed on its way or the bucket fails',
  async () => {
    const { id } = await upload(ada);
    await ada.post('Kept', { media: [id] });
    const keys = Array.from({ length: 60 }, () => crypto.randomUUID());
    const template = s3.objects.get(keyOf(id));
    if (!template) throw new Error('There is no picture');
    for (const key of keys) s3.objects.set(keyOf(key), template);
    await app.rows(
      `insert into posts.media_removals (object_key, due_at) select 'media/' || key, now() from unnest($1::text[]) key`,
      [keys],
    );
    const left = () => keys.filter((key) => s3.objects.has(keyOf(key))).length;
    const notes = async () =>
      (await app.rows('select from posts.media_removals where due_at <= now()')).length;
    // Each takes a while, so that a process is surely killed between the first and the last.
    s3.delayMs = 50;
    workers = await WorkerProcesses.open(app);
    const settings = { MEDIA_REMOVE_EVERY_MS: '200' };
    let child = workers.start(settings);
    for (const most of [50, 30]) {
      await waitFor(() => left() <= most, { timeoutMs: 40_000, what: `all but ${most} to go` });
      await workers.kill(child);
      expect(left()).toBeGreaterThan(0);
      child = workers.start(settings);
    }
    const putOff = async () =>
      (
        await app.rows(
          `select from posts.media_removals where object_key like 'media/%' and due_at > now() + interval '10 seconds'`,
        )
      ).length;
    s3.failures = 1_000_000;
    await waitFor(async () => (await putOff()) > 0, { timeoutMs: 40_000, what: 'a refusal' });
    s3.failures = 0;
    s3.delayMs = 0;
    await waitFor(
      async () => {
        // What the bucket has refused is tried again in a minute; here it is that already.
        await app.rows(`update posts.media_removals set due_at = now() where object_key like 'media/%'`);
        return left() === 0 && (await notes()) === 0;
      },
      { timeoutMs: 40_000, everyMs: 200, what: 'the rest to go' },
    );
    expect(s3.objects.has(keyOf(id))).toBe(true);
  },
  longTestMs,
);
