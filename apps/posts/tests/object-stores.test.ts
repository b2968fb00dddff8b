import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { request } from 'node:http';
import { createHttpClient, type HttpClient } from '@rostrum/resilience';
import { waitFor } from '@rostrum/testing';
import { LocalObjectStore } from '../src/media/local-object-store';
import { pictureKey, uploadKey } from '../src/media/media';
import type { ObjectStore } from '../src/media/object-store';
import { S3ObjectStore, type S3Options } from '../src/media/s3-object-store';
import { put } from './pictures';
import { PostsApp } from './posts-app';
import { S3Server } from './s3-server';

const credentials = { accessKeyId: 'AKTEST', secretAccessKey: 's/e+cret', region: 'eu-central-1' };
const type = 'image/png';
const bytes = Buffer.from('as good as a picture');

let app: PostsApp;
let s3: S3Server;
let client: HttpClient;
let givenClient: HttpClient | undefined;
let stores: Record<'folder' | 's3', ObjectStore>;

const clientOf = (bucketUrl: string) =>
  createHttpClient({ name: 'media_store', origin: new URL(bucketUrl).origin });
const ofOurs = (bucketUrl: string) => new S3ObjectStore({ bucketUrl, ...credentials }, client);

/** Somebody else's S3 (`npm run check:s3`) has to pass what ours does. */
function givenBucket(): S3Options | undefined {
  const { TEST_S3_BUCKET_URL: bucketUrl, ...given } = process.env;
  return bucketUrl === undefined
    ? undefined
    : {
        bucketUrl,
        region: given['TEST_S3_REGION'] ?? '',
        accessKeyId: given['TEST_S3_ACCESS_KEY_ID'] ?? '',
        secretAccessKey: given['TEST_S3_SECRET_ACCESS_KEY'] ?? '',
      };
}

beforeAll(async () => {
  app = await PostsApp.start();
  s3 = await S3Server.start(credentials);
  const { bucketUrl } = s3;
  client = clientOf(bucketUrl);
  const { MEDIA_FOLDER = '', MEDIA_FOLDER_SECRET = '' } = app.environment;
  const given = givenBucket();
  if (given) givenClient = clientOf(given.bucketUrl);
  stores = {
    folder: new LocalObjectStore(MEDIA_FOLDER, MEDIA_FOLDER_SECRET),
    s3: given && givenClient ? new S3ObjectStore(given, givenClient) : ofOurs(bucketUrl),
  };
});
afterAll(async () => {
  client.close();
  givenClient?.close();
  await s3.stop();
  await app.stop();
});

describe.each(['folder', 's3'] as const)('the store in a %s', (kind) => {
  let store: ObjectStore;
  let key: string;
  beforeEach(() => {
    store = stores[kind];
    key = pictureKey(randomUUID());
  });

  const at = (url: string) => new URL(url, app.url).href;
  const terms = { type, bytes: bytes.length, seconds: 60 } as const;
  const download = (more: { from?: Date; seconds?: number } = {}) =>
    store.downloadUrl(key, { type, fileName: 'cat.png', from: new Date(), seconds: 60, ...more });

  it('keeps what is written, until it is replaced or removed', async () => {
    expect(await store.read(key)).toBeUndefined();
    await store.write(key, bytes, { type });
    expect(await store.read(key)).toEqual(bytes);
    await store.write(key, Buffer.from('new'), { type });
    expect(await store.read(key)).toEqual(Buffer.from('new'));
    await store.remove(key);
    expect(await store.read(key)).toBeUndefined();
    await store.remove(key);
  });

  it('takes an upload by its URL, as it was announced', async () => {
    const upload = await store.uploadUrl(key, terms);
    expect(upload.headers).toEqual({ 'Content-Type': type, 'Content-Length': String(bytes.length) });
    const url = at(upload.url);
    for (const [headers, sent] of [
      [{ 'Content-Type': 'text/html' }, bytes],
      [upload.headers, Buffer.concat([bytes, bytes])],
      [upload.headers, bytes.subarray(1)],
    ] as const) {
      expect((await put(url, { headers }, sent)).status).toBeGreaterThanOrEqual(400);
      expect(await store.read(key)).toBeUndefined();
    }
    expect((await fetch(url)).status).toBe(403);
    expect((await put(url, upload, bytes)).status).toBe(200);
    expect(await store.read(key)).toEqual(bytes);
  });

  it('takes nothing by a URL that is over, or was changed', async () => {
    const over = await store.uploadUrl(key, { ...terms, seconds: -1 });
    // Others' S3 may call wrong what was over before it began.
    const isOthers = kind === 's3' && givenBucket() !== undefined;
    expect((await put(at(over.url), over, bytes)).status).toBe(isOthers ? 400 : 403);
    const { url, headers } = await store.uploadUrl(uploadKey(randomUUID()), terms);
    const changed = [...at(url)];
    // A letter of the grant, or of the object's name.
    const place = new URL(at(url)).origin.length + (kind === 's3' ? 25 : 60);
    changed[place] = changed[place] === 'a' ? 'b' : 'a';
    expect((await put(changed.join(''), { headers }, bytes)).status).toBe(403);
  });

  it('gives an object by its URL, as what it is, for as long as the URL is good', async () => {
    await store.write(key, bytes, { type });
    const url = at(await download());
    const answer = await fetch(url);
    expect(Buffer.from(await answer.arrayBuffer())).toEqual(bytes);
    expect(answer.headers.get('content-type')).toBe(type);
    expect(answer.headers.get('content-disposition')).toMatch(/^attachment; ?filename="cat.png"$/);
    expect(answer.headers.get('cache-control')).toContain('private');
    expect((await put(url, { headers: { 'Content-Type': type } }, bytes)).status).toBe(403);
    expect((await fetch(at(await download({ from: new Date(Date.now() - 120_000) })))).status).toBe(403);
    await store.remove(key);
    expect((await fetch(url)).status).toBe(404);
  });

  it('gives out the same URL for the same time', async () => {
    const from = new Date(Date.now() - 1_000);
    expect(await download({ from })).toBe(await download({ from }));
    expect(await download({ from })).not.toBe(await download({ from, seconds: 61 }));
  });

  it('has each of many objects whole that are written at once', async () => {
    const versions = Array.from({ length: 20 }, (_, index) => Buffer.alloc(50_000, index));
    const [, ...seen] = await Promise.all([
      Promise.all(versions.map((version) => store.write(key, version, { type }))),
      ...Array.from({ length: 20 }, () => store.read(key)),
    ]);
    for (const each of [...(seen as (Buffer | undefined)[]), await store.read(key)])
      if (each) expect(versions.some((version) => version.equals(each))).toBe(true);
    expect(await store.read(key)).toHaveLength(50_000);
  });
});

describe('the folder', () => {
  it('has no names but those that we make', async () => {
    const folder = stores.folder as LocalObjectStore;
    for (const key of ['../x', 'media/../../x', 'media/x', '/etc/passwd', `media/${randomUUID()}/x`, '']) {
      await expect(folder.write(key, bytes)).rejects.toThrow('No key of ours');
      await expect(folder.read(key)).rejects.toThrow('No key of ours');
      await expect(folder.remove(key)).rejects.toThrow('No key of ours');
    }
  });

  it('takes no more than it may become large, and more again when something has gone', async () => {
    const { MEDIA_FOLDER = '' } = app.environment;
    const small = new LocalObjectStore(`${MEDIA_FOLDER}/small`, 's'.repeat(32), 100);
    const [one, two] = [pictureKey(randomUUID()), pictureKey(randomUUID())];
    await small.write(one, Buffer.alloc(60));
    await expect(small.write(two, Buffer.alloc(60))).rejects.toMatchObject({ code: 'MEDIA_STORE_FULL' });
    expect(await small.read(two)).toBeUndefined();
    await small.remove(one);
    await small.write(two, Buffer.alloc(60));
    expect(await small.read(two)).toHaveLength(60);
  });

  it('has nothing left of uploads that were given up', async () => {
    const folder = stores.folder as LocalObjectStore;
    const many = 5 * 1024 * 1024;
    const { url, headers } = await folder.uploadUrl(uploadKey(randomUUID()), {
      type,
      bytes: many,
      seconds: 60,
    });
    const { MEDIA_FOLDER = '' } = app.environment;
    const unfinished = async () => (await readdir(`${MEDIA_FOLDER}/incoming`)).length;
    const sending = request(new URL(url, app.url), { method: 'PUT', headers }).on('error', () => undefined);
    sending.write(Buffer.alloc(100_000));
    await waitFor(async () => (await unfinished()) === 1, { what: 'the beginning' });
    sending.destroy();
    await waitFor(async () => (await unfinished()) === 0, { what: 'the end' });
  });
});

describe('S3', () => {
  let store: S3ObjectStore;
  beforeEach(() => {
    store = ofOurs(s3.bucketUrl);
  });

  it('is asked again where it has too much to do', async () => {
    const key = pictureKey(randomUUID());
    s3.failures = 1;
    const before = s3.requests;
    await store.write(key, bytes, { type });
    expect([s3.requests - before, await store.read(key)]).toEqual([2, bytes]);
  });

  it('that cannot be had is a 503, and one that refuses a 502', async () => {
    const key = pictureKey(randomUUID());
    const { bucketUrl } = s3;
    s3.failures = 3;
    await expect(store.read(key)).rejects.toMatchObject({ status: 503, code: 'MEDIA_STORE_UNAVAILABLE' });
    s3.failures = 0;
    const stranger = new S3ObjectStore({ bucketUrl, ...credentials, secretAccessKey: 'another' }, client);
    const works = [
      () => stranger.read(key),
      () => stranger.write(key, bytes, { type }),
      () => stranger.remove(key),
    ];
    for (const work of works)
      await expect(work()).rejects.toMatchObject({ status: 502, code: 'MEDIA_STORE_BAD_RESPONSE' });
  });
});
