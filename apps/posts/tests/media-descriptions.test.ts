import { randomUUID } from 'node:crypto';
import { postMedia, postUpdated, postVersion } from '@rostrum/contracts';
import { MediaScene } from './media-scene';
import { pictureOf, send, upload } from './pictures';
import type { Answer, Caller, PostsApp } from './posts-app';

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

const describeIt = (caller: Caller, id: string, alt: unknown, headers = {}) =>
  caller.write('PATCH', `/api/v1/posts/media/${id}`, { alt }, headers);
const outcome = ({ status, json }: Answer): [number, string | undefined] => [status, json?.code];
const altsOf = ({ json }: Answer) => json.media.map(({ alt }: { alt: string }) => alt);
const changesOf = async (postId: string) =>
  (
    await app.rows<{ payload: unknown }>(
      `select payload from posts.outbox where type = 'post.updated' and payload->>'postId' = $1 order by id`,
      [postId],
    )
  ).map(({ payload }) => postUpdated.payload.parse(payload).version);

describe('PATCH /api/v1/posts/media/:id', () => {
  it('says anew what there is to be seen, and takes it away', async () => {
    const { id, json: before } = await send(ada, await pictureOf('image/jpeg'), { alt: 'A cat' });
    const changed = await describeIt(ada, id.toUpperCase(), 'Two cats 🐈');
    expect(changed.status).toBe(200);
    expect(postMedia.parse(changed.json)).toEqual({ ...before, alt: 'Two cats 🐈' });
    const published = await ada.write('POST', '/api/v1/posts', { text: 'Look', media: [id] });
    expect([altsOf(published), published.json.version]).toEqual([['Two cats 🐈'], 1]);
    expect((await describeIt(ada, id, null)).json.alt).toBe('');
    expect(altsOf(await eve.get(`/api/v1/posts/${published.json.id}`))).toEqual(['']);
  });

  it('of a picture in a post makes a version of it, which everybody reads at once', async () => {
    const [cat, dog] = [await upload(ada), await upload(ada)];
    const { id } = await ada.post('Look', { media: [cat.id, dog.id] });
    const before = await eve.get(`/api/v1/posts/${id}`);
    expect((await describeIt(ada, dog.id, 'A dog')).status).toBe(200);
    const after = await eve.get(`/api/v1/posts/${id}`, {
      'If-None-Match': before.headers.get('etag') ?? '',
    });
    expect([after.status, altsOf(after)]).toEqual([200, ['', 'A dog']]);
    expect(after.json).toEqual({
      ...before.json,
      media: [cat, { ...dog, alt: 'A dog' }],
      version: 2,
      editedAt: expect.any(String),
    });
    expect((await ada.get('/api/v1/feed')).json.items[0]).toEqual(after.json);
    const { items } = (await eve.get(`/api/v1/posts/${id}/versions`)).json;
    expect(items.map((item: unknown) => postVersion.parse(item).media.map(({ alt }) => alt))).toEqual([
      ['', 'A dog'],
      ['', ''],
    ]);
    expect(await changesOf(id)).toEqual([2]);
    // Who edits has to have read it.
    const late = { 'If-Match': before.headers.get('etag') ?? '' };
    expect((await ada.write('PATCH', `/api/v1/posts/${id}`, { text: 'Late' }, late)).status).toBe(412);
  });

  it('that says what it said already, or is of a picture that an edit has left out, changes no post', async () => {
    const [cat, dog] = [await upload(ada), await upload(ada)];
    const { id } = await ada.post('Look', { media: [cat.id, dog.id] });
    expect((await describeIt(ada, cat.id, 'A cat')).status).toBe(200);
    expect((await describeIt(ada, cat.id, 'A cat')).status).toBe(200);
    const { headers } = await ada.get(`/api/v1/posts/${id}`);
    const ifMatch = { 'If-Match': headers.get('etag') ?? '' };
    await ada.write('PATCH', `/api/v1/posts/${id}`, { text: 'Look', media: [cat.id] }, ifMatch);
    expect((await describeIt(ada, dog.id, 'A dog')).json.alt).toBe('A dog');
    expect((await eve.get(`/api/v1/posts/${id}`)).json).toMatchObject({
      version: 3,
      media: [{ id: cat.id }],
    });
    expect(await changesOf(id)).toEqual([2, 3]);
  });

  it('is for its owner alone, and for what is there', async () => {
    const { id } = await upload(ada);
    const avatar = await upload(ada);
    await ada.write('PATCH', '/api/v1/users/me', { avatarId: avatar.id });
    const post = await ada.post('Look', { media: [id] });
    for (const each of [id, avatar.id])
      expect(outcome(await describeIt(eve, each, 'Mine'))).toEqual([404, 'NOT_FOUND']);
    expect((await describeIt(ada, avatar.id, 'It is me')).json.alt).toBe('It is me');
    expect(outcome(await describeIt(await app.moderator('mod'), id, 'Ours'))).toEqual([404, 'NOT_FOUND']);
    expect((await describeIt(app.anonymous(), id, 'x')).status).toBe(401);
    const pending = await ada.write('POST', '/api/v1/posts/media', { type: 'image/png', bytes: 9 });
    for (const each of [randomUUID(), pending.json.id])
      expect(outcome(await describeIt(ada, each, 'x'))).toEqual([404, 'NOT_FOUND']);
    expect(altsOf(await eve.get(`/api/v1/posts/${post.id}`))).toEqual(['']);
  });

  it('is refused where the post cannot be edited', async () => {
    const [gone, hidden] = [await upload(ada), await upload(ada)];
    const [goneId, hiddenId] = [
      (await ada.post('Gone', { media: [gone.id] })).id,
      (await ada.post('Hidden', { media: [hidden.id] })).id,
    ];
    await ada.write('DELETE', `/api/v1/posts/${goneId}`);
    await app.arrange('update posts.posts set hidden_at = now() where id = $1', [hiddenId]);
    expect(outcome(await describeIt(ada, gone.id, 'x'))).toEqual([410, 'POST_DELETED']);
    expect(outcome(await describeIt(ada, hidden.id, 'x'))).toEqual([404, 'NOT_FOUND']);
    expect(await app.rows(`select from posts.media where owner_id = $1 and alt <> ''`, [ada.id])).toEqual([]);
  });

  it('is done once with a key', async () => {
    const { id } = await upload(ada);
    const post = await ada.post('Look', { media: [id] });
    const key = { 'Idempotency-Key': randomUUID() };
    const first = await describeIt(ada, id, 'A cat', key);
    await describeIt(ada, id, 'A dog');
    const again = await describeIt(ada, id, 'A cat', key);
    expect([again.json, again.headers.get('idempotency-replayed')]).toEqual([first.json, 'true']);
    expect(outcome(await describeIt(ada, id, 'A fox', key))).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
    expect(altsOf(await eve.get(`/api/v1/posts/${post.id}`))).toEqual(['A dog']);
  });

  it.each([
    ['too long a text', 'x'.repeat(1_001)],
    ['an empty text', ''],
    ['white space', ' \n'],
    ['control characters', 'a\u0000b'],
    ['text turned around', '\u202etxt'],
    ['a number', 1],
    ['nothing', undefined],
  ])('with %s is refused', async (_, alt) => {
    expect(outcome(await describeIt(ada, randomUUID(), alt))).toEqual([400, 'VALIDATION_FAILED']);
  });

  it('of many at once leaves the post with what the picture says', async () => {
    const { id } = await upload(ada);
    const post = await ada.post('Look', { media: [id] });
    const all = await Promise.all(Array.from({ length: 12 }, (_, i) => describeIt(ada, id, `Cat ${i}`)));
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set([200]));
    const [row] = await app.rows<{ alt: string }>('select alt from posts.media where id = $1', [id]);
    const { json } = await eve.get(`/api/v1/posts/${post.id}`);
    expect([json.media[0].alt, json.version]).toEqual([row?.alt, 13]);
  });
});
