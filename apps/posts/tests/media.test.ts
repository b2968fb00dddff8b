import { randomUUID } from 'node:crypto';
import { mediaUpload, postMedia } from '@rostrum/contracts';
import { waitFor } from '@rostrum/testing';
import sharp from 'sharp';
import { askForUpload, beginUpload, completeUpload, mediaRoute, MediaScene } from './media-scene';
import { look, pictureOf, put, secret, send, upload } from './pictures';
import type { Caller, PostsApp } from './posts-app';

let scene: MediaScene;
let app: PostsApp;
let ada: Caller;
let eve: Caller;

beforeAll(async () => {
  scene = await MediaScene.open();
  ({ app } = scene);
});
afterAll(() => scene.close());
beforeEach(async () => {
  [ada, eve] = await scene.people();
});

describe('an upload', () => {
  it('is asked for, sent to the store, completed, and seen by its owner alone', async () => {
    const bytes = await pictureOf('image/jpeg');
    const asked = await askForUpload(ada, { type: 'image/jpeg', bytes: bytes.length, alt: 'A blue sky 🌤️' });
    expect(asked.status).toBe(201);
    const { id, upload: where } = mediaUpload.parse(asked.json);
    expect(where.headers).toEqual({ 'Content-Type': 'image/jpeg', 'Content-Length': String(bytes.length) });
    expect((await look(ada, id)).status).toBe(404);

    expect((await put(ada.at(where.url), where, bytes)).status).toBe(200);
    const completed = await completeUpload(ada, id);
    expect(completed.status).toBe(200);
    expect(postMedia.parse(completed.json)).toEqual({
      id,
      type: 'image/jpeg',
      url: `${mediaRoute}/${id}`,
      width: 60,
      height: 40,
      alt: 'A blue sky 🌤️',
    });
    const seen = await look(ada, id);
    expect(seen.status).toBe(200);
    expect(seen.bytes.includes(secret)).toBe(false);
    expect(await sharp(seen.bytes).metadata()).toMatchObject({ format: 'jpeg', width: 60, height: 40 });
    expect((await look(eve, id)).status).toBe(404);
    expect((await look(app.anonymous(), id)).status).toBe(401);
  });

  it('is served as nothing but a picture', async () => {
    const { id } = await upload(ada, 'image/webp');
    const { headers } = await look(ada, id);
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-type': 'image/webp',
      'x-content-type-options': 'nosniff',
      'content-disposition': `attachment; filename="${id}.webp"`,
      'content-security-policy': expect.stringContaining("default-src 'none'"),
      'cache-control': expect.stringMatching(/^private, max-age=\d+, immutable$/),
    });
    expect(headers.get('set-cookie')).toBeNull();
  });

  it('is completed again with the same answer, by its owner alone', async () => {
    const { id } = await upload(ada);
    const [first, second] = [
      await completeUpload(ada, id),
      await completeUpload(ada, id, { 'Idempotency-Key': 'k' }),
    ];
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(second.json).toEqual(first.json);
    expect((await completeUpload(eve, id)).status).toBe(404);
    expect((await completeUpload(ada, randomUUID())).status).toBe(404);
  });

  it('is looked through by one of many who complete it at once', async () => {
    const bytes = await pictureOf('image/png', { width: 900, height: 900 });
    const { id, upload: where } = await beginUpload(ada, bytes.length);
    await put(ada.at(where.url), where, bytes);
    const all = await Promise.all(Array.from({ length: 20 }, () => completeUpload(ada, id)));
    const statuses = new Set(all.map(({ status }) => status));
    expect([...statuses].sort()).toEqual(statuses.has(409) ? [200, 409] : [200]);
    for (const { status, json } of all) if (status === 409) expect(json.code).toBe('MEDIA_IN_PROGRESS');
    expect((await completeUpload(ada, id)).status).toBe(200);
    expect(await app.metric('media_uploads_total{result="completed"}')).toBeGreaterThan(0);
  });

  it('can be completed at once where whoever completed it has gone away', async () => {
    const bytes = await pictureOf('image/png', { width: 3_000, height: 3_000 });
    const { id, upload: where } = await beginUpload(ada, bytes.length);
    await put(ada.at(where.url), where, bytes);
    const controller = new AbortController();
    const path = `${mediaRoute}/${id}/complete`;
    const gone = ada.send('POST', path, { signal: controller.signal }).catch(() => undefined);
    const begun = 'select from posts.media where id = $1 and completing_at is not null';
    await waitFor(async () => (await app.rows(begun, [id])).length > 0, { what: 'the beginning' });
    controller.abort();
    await gone;
    await waitFor(async () => (await completeUpload(ada, id)).status === 200, { what: 'the picture' });
    expect((await look(ada, id)).status).toBe(200);
  });

  it('can be completed at once where the key of the request before was that of another', async () => {
    const bytes = await pictureOf('image/png');
    const [one, two] = [await beginUpload(ada, bytes.length), await beginUpload(ada, bytes.length)];
    for (const { upload: where } of [one, two]) await put(ada.at(where.url), where, bytes);
    const key = { 'Idempotency-Key': randomUUID() };
    expect((await completeUpload(ada, one.id, key)).status).toBe(200);
    expect((await completeUpload(ada, two.id, key)).json.code).toBe('IDEMPOTENCY_KEY_REUSED');
    expect((await completeUpload(ada, two.id)).status).toBe(200);
  });

  it('of many who complete theirs at once is looked through in its turn, or told to come later', async () => {
    const bytes = await pictureOf('image/png', { width: 700, height: 700 });
    const ids = await Promise.all(
      Array.from({ length: 60 }, async () => {
        const { id, upload: where } = await beginUpload(ada, bytes.length);
        await put(ada.at(where.url), where, bytes);
        return id;
      }),
    );
    const first = await Promise.all(ids.map((id) => completeUpload(ada, id)));
    for (const { status, headers } of first) {
      expect([200, 503]).toContain(status);
      if (status === 503) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    }
    expect(first.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
    for (const id of ids)
      await waitFor(async () => (await completeUpload(ada, id)).status === 200, {
        what: 'every one of them',
      });
  });

  it('is not completed before it is there, and can be after that', async () => {
    const bytes = await pictureOf('image/png');
    const { id, upload: where } = await beginUpload(ada, bytes.length);
    const early = await completeUpload(ada, id);
    expect([early.status, early.json.code]).toEqual([409, 'MEDIA_NOT_UPLOADED']);
    await put(ada.at(where.url), where, bytes);
    expect((await completeUpload(ada, id)).status).toBe(200);
  });

  it('is asked for once with a key', async () => {
    const headers = { 'Idempotency-Key': randomUUID() };
    const body = { type: 'image/png', bytes: 100 };
    const [first, second] = [await askForUpload(ada, body, headers), await askForUpload(ada, body, headers)];
    expect(second.json).toEqual(first.json);
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    expect((await askForUpload(ada, { ...body, bytes: 101 }, headers)).status).toBe(422);
    expect(await app.rows('select from posts.media where owner_id = $1', [ada.id])).toHaveLength(1);
  });

  it('of somebody who keeps too many of them unused is refused', async () => {
    await app.rows(
      `insert into posts.media (id, owner_id, type, bytes, alt)
       select gen_random_uuid(), $1, 'image/png', 1, '' from generate_series(1, 100)`,
      [ada.id],
    );
    const refused = await askForUpload(ada, { type: 'image/png', bytes: 100 });
    expect([refused.status, refused.json.code]).toEqual([409, 'TOO_MANY_UPLOADS']);
    expect((await askForUpload(eve, { type: 'image/png', bytes: 100 })).status).toBe(201);
  });

  it.each([
    ['no type', { bytes: 1 }],
    ['a type that is none', { type: 'image/svg+xml', bytes: 1 }],
    ['a type that is a list', { type: ['image/png'], bytes: 1 }],
    ['no length', { type: 'image/png' }],
    ['nothing', { type: 'image/png', bytes: 0 }],
    ['less than nothing', { type: 'image/png', bytes: -1 }],
    ['half a byte', { type: 'image/png', bytes: 1.5 }],
    ['more than 10 MiB', { type: 'image/png', bytes: 10 * 1024 * 1024 + 1 }],
    ['a text for a length', { type: 'image/png', bytes: '1' }],
    ['a long description', { type: 'image/png', bytes: 1, alt: 'x'.repeat(1_001) }],
    ['control characters', { type: 'image/png', bytes: 1, alt: 'a\u0000b' }],
    ['text turned around', { type: 'image/png', bytes: 1, alt: '\u202etxt' }],
    ['a key of its own', { type: 'image/png', bytes: 1, key: '../../etc/passwd' }],
  ])('with %s is refused', async (_, body) => {
    const { status, json } = await askForUpload(ada, body);
    expect([status, json.code]).toEqual([400, 'VALIDATION_FAILED']);
  });

  it('that is not what it was said to be is refused, and can be made good', async () => {
    const png = await pictureOf('image/png');
    for (const [bytes, code] of [
      [await pictureOf('image/gif'), 'MEDIA_TYPE_MISMATCH'],
      [Buffer.from('<html><script>alert(1)</script></html>'), 'MEDIA_TYPE_MISMATCH'],
      [png.subarray(0, png.length - 40), 'MEDIA_NOT_READABLE'],
    ] as const) {
      const { id, status, json } = await send(ada, bytes, { type: 'image/png' });
      expect([status, json.code]).toEqual([422, code]);
      expect((await look(ada, id)).status).toBe(404);
      const used = await ada.write('POST', '/api/v1/posts', { text: 'Look', media: [id] });
      expect([used.status, used.json.code]).toEqual([422, 'MEDIA_NOT_USABLE']);
    }
    const { id, upload: where } = await beginUpload(ada, png.length);
    await put(ada.at(where.url), where, Buffer.alloc(png.length));
    expect((await completeUpload(ada, id)).status).toBe(422);
    await put(ada.at(where.url), where, png);
    expect((await completeUpload(ada, id)).status).toBe(200);
  });
});

describe("the embedded store's URLs", () => {
  const grantOf = (url: string) => url.split('grant=').at(-1) ?? '';

  it('take what was announced, and nothing else', async () => {
    const bytes = await pictureOf('image/png');
    const { id, upload: where } = await beginUpload(ada, bytes.length);
    const url = ada.at(where.url);
    const longer = await put(url, where, Buffer.concat([bytes, Buffer.of(0)]));
    expect(longer.status).toBe(400);
    expect((await put(url, where, bytes.subarray(1))).status).toBe(400);
    const other = await put(url, { headers: { 'Content-Type': 'text/html' } }, bytes);
    expect(other.status).toBe(415);
    const chunked = await fetch(url, {
      method: 'PUT',
      headers: { 'content-type': 'image/png' },
      body: new Blob([new Uint8Array(bytes)]).stream(),
      duplex: 'half',
    } as RequestInit);
    expect(chunked.status).toBe(400);
    expect((await completeUpload(ada, id)).json.code).toBe('MEDIA_NOT_UPLOADED');
  });

  it('cannot be made or changed by anybody, nor used for another purpose', async () => {
    const { id, upload: where } = await beginUpload(ada, 10);
    const [grant, picture] = [grantOf(where.url), await upload(ada)];
    const { headers } = await ada.send('GET', `${mediaRoute}/${picture.id}`, { redirect: 'manual' });
    const toRead = grantOf(headers.get('location') ?? '');
    const forged = Buffer.from(grant, 'base64url');
    forged[40] = (forged[40] ?? 0) ^ 1;
    const ten = { headers: where.headers };
    for (const bad of [
      forged.toString('base64url'),
      toRead,
      `${grant}A`,
      id,
      encodeURIComponent('../../etc/passwd'),
      '..%2f..%2fetc%2fpasswd',
    ]) {
      const stored = await put(ada.at(`${mediaRoute}/objects?grant=${bad}`), ten, Buffer.alloc(10));
      expect([bad, stored.status]).toEqual([bad, 403]);
    }
    for (const bad of [grant, `${toRead}A`, `A${toRead}`, 'x'])
      expect((await fetch(ada.at(`${mediaRoute}/objects?grant=${bad}`))).status).toBe(403);
    expect((await fetch(ada.at(`${mediaRoute}/objects?grant=${toRead}`))).status).toBe(200);
    expect((await fetch(ada.at(`${mediaRoute}/objects?grant=${'x'.repeat(600)}`))).status).toBe(400);
  });

  it('of an upload cannot change what it was completed to', async () => {
    const bytes = await pictureOf('image/png');
    const { id, upload: where } = await beginUpload(ada, bytes.length);
    await put(ada.at(where.url), where, bytes);
    await completeUpload(ada, id);
    const before = await look(ada, id);
    expect((await put(ada.at(where.url), where, Buffer.alloc(bytes.length, 1))).status).toBe(200);
    expect((await look(ada, id)).bytes.equals(before.bytes)).toBe(true);
  });
});

describe('GET /api/v1/posts/media?ids=', () => {
  it('says where those are that one sees, in the order of the ids', async () => {
    const [mine, shown, hers] = [await upload(ada), await upload(eve), await upload(eve)];
    await eve.post('See', { media: [shown.id] });
    const ids = [hers.id, shown.id.toUpperCase(), randomUUID(), mine.id];
    const { status, json } = await ada.get(`${mediaRoute}?ids=${ids.join(',')}`);
    expect([status, json.items.map(({ id }: { id: string }) => id)]).toEqual([200, [shown.id, mine.id]]);
    for (const { url, expiresAt } of json.items) {
      expect((await fetch(ada.at(url))).status).toBe(200);
      expect(Date.parse(expiresAt)).toBeGreaterThan(Date.now());
    }
    for (const bad of ['', 'x', Array(101).fill(mine.id).join(',')])
      expect((await ada.get(`${mediaRoute}?ids=${bad}`)).status).toBe(400);
  });
});
