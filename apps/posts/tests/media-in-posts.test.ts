import { randomUUID } from 'node:crypto';
import { post as postSchema } from '@rostrum/contracts';
import { waitFor } from '@rostrum/testing';
import { MediaScene } from './media-scene';
import { look, upload } from './pictures';
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

const publish = (caller: Caller, media: unknown, headers = {}) =>
  caller.write('POST', '/api/v1/posts', { text: 'Look', media }, headers);
const edit = async (caller: Caller, id: string, body: object) => {
  const read = await caller.get(`/api/v1/posts/${id}`);
  return caller.write('PATCH', `/api/v1/posts/${id}`, body, { 'If-Match': read.headers.get('etag') ?? '' });
};
const idsOf = (json: { media: { id: string }[] }) => json.media.map(({ id }) => id);
const notUsable = [422, 'MEDIA_NOT_USABLE'];

describe('a post', () => {
  it('shows its pictures in their order, to whoever may see it', async () => {
    const [one, two] = [await upload(ada, 'image/jpeg'), await upload(ada, 'image/gif')];
    const { status, json } = await publish(ada, [two.id, one.id.toUpperCase()]);
    expect(status).toBe(201);
    expect(postSchema.parse(json).media).toEqual([two, one]);
    expect((await eve.get(`/api/v1/posts/${json.id}`)).json.media).toEqual([two, one]);
    expect((await look(eve, one.id)).status).toBe(200);
  });

  it('takes only pictures that are its author’s, completed, and in no other post', async () => {
    const [mine, hers] = [await upload(ada), await upload(eve)];
    await publish(eve, [hers.id]);
    const { json: pending } = await ada.write('POST', '/api/v1/posts/media', { type: 'image/png', bytes: 9 });
    for (const media of [[hers.id], [mine.id, hers.id], [pending.id], [randomUUID()]]) {
      const refused = await publish(ada, media);
      expect([refused.status, refused.json.code]).toEqual(notUsable);
    }
    await publish(ada, [mine.id]);
    const again = await publish(ada, [mine.id]);
    expect([again.status, again.json.code]).toEqual(notUsable);
  });

  it.each([
    ['five of them', Array.from({ length: 5 }, () => randomUUID())],
    ['one twice', ['0190b5a0-5f8e-7000-8000-3c2f1e0d9b8a', '0190B5A0-5F8E-7000-8000-3C2F1E0D9B8A']],
    ['a URL', ['https://example.com/x.png']],
    ['an object', [{ id: randomUUID() }]],
    ['a text', 'x'],
    ['null', null],
  ])('with %s in place of pictures is refused', async (_, media) => {
    expect((await publish(ada, media)).status).toBe(400);
  });

  it('is one of a hundred that want the same picture', async () => {
    const { id } = await upload(ada);
    const all = await Promise.all(Array.from({ length: 100 }, () => publish(ada, [id])));
    const codes = all.map(({ status, json }) => (status === 201 ? 201 : json.code));
    expect(codes.filter((code) => code === 201)).toHaveLength(1);
    expect(new Set(codes)).toEqual(new Set([201, 'MEDIA_NOT_USABLE']));
    expect(await app.rows('select from posts.posts where author_id = $1', [ada.id])).toHaveLength(1);
  });

  it('is published once with a key, its pictures with it', async () => {
    const { id } = await upload(ada);
    const headers = { 'Idempotency-Key': randomUUID() };
    const [first, second] = [await publish(ada, [id], headers), await publish(ada, [id], headers)];
    expect([second.status, second.json]).toEqual([201, first.json]);
  });

  it('gets, keeps and loses pictures by an edit; its versions keep them', async () => {
    const [one, two, three] = [await upload(ada), await upload(ada), await upload(ada)];
    const { id } = await ada.post('First', { media: [one.id] });
    const kept = await edit(ada, id, { text: 'Second' });
    expect([kept.status, idsOf(kept.json)]).toEqual([200, [one.id]]);
    const more = await edit(ada, id, { text: 'Second', media: [two.id, one.id] });
    expect([more.json.version, idsOf(more.json)]).toEqual([3, [two.id, one.id]]);
    expect((await edit(ada, id, { text: 'Second', media: [two.id, one.id] })).json.version).toBe(3);
    const none = await edit(ada, id, { text: 'Second', media: [] });
    expect([none.json.version, idsOf(none.json)]).toEqual([4, []]);

    const { json } = await eve.get(`/api/v1/posts/${id}/versions`);
    expect(json.items.map(idsOf)).toEqual([[], [two.id, one.id], [one.id], [one.id]]);
    expect((await look(eve, one.id)).status).toBe(200);
    expect((await publish(ada, [one.id])).json.code).toBe('MEDIA_NOT_USABLE');
    const taken = await publish(ada, [three.id]);
    expect((await edit(ada, id, { text: 'x', media: [three.id] })).json.code).toBe('MEDIA_NOT_USABLE');
    expect((await edit(ada, taken.json.id, { text: 'x', media: [three.id] })).status).toBe(200);
  });

  it('that is not to be seen does not show its pictures either, from that moment on', async () => {
    const picture = async (more: object = {}) => {
      const { id } = await upload(ada);
      return { id, postId: (await ada.post('Look', { media: [id], ...more })).id as string };
    };
    const seen = async (id: string) => {
      const { json } = await eve.get(`/api/v1/posts/media?ids=${id}`);
      const { status } = await look(eve, id);
      // Both routes say the same.
      expect(json.items.length > 0).toBe(status === 200);
      return status;
    };
    const forFollowers = await picture({ visibility: 'followers' });
    expect(await seen(forFollowers.id)).toBe(404);
    await eve.follow(ada.username);
    expect(await seen(forFollowers.id)).toBe(200);
    await eve.unfollow(ada.username);
    expect(await seen(forFollowers.id)).toBe(404);

    const [deleted, hidden, blocked] = [await picture(), await picture(), await picture()];
    for (const { id } of [deleted, hidden, blocked]) expect(await seen(id)).toBe(200);
    await ada.write('DELETE', `/api/v1/posts/${deleted.postId}`);
    expect(await seen(deleted.id)).toBe(410);
    await app.arrange('update posts.posts set hidden_at = now() where id = $1', [hidden.postId]);
    expect([await seen(hidden.id), (await look(ada, hidden.id)).status]).toEqual([404, 404]);
    const judge = await app.moderator('judge');
    expect([(await look(judge, hidden.id)).status, (await look(judge, deleted.id)).status]).toEqual([
      200, 410,
    ]);
    const { json } = await judge.get(`/api/v1/posts/media?ids=${hidden.id},${deleted.id}`);
    expect(json.items.map(({ id }: { id: string }) => id)).toEqual([hidden.id]);
    await ada.write('PUT', `/api/v1/users/${eve.username}/block`);
    expect(await seen(blocked.id)).toBe(404);
    expect((await look(ada, blocked.id)).status).toBe(200);
  });
});

describe('a draft', () => {
  const drafts = '/api/v1/posts/drafts';

  it('keeps pictures, and publishes them once', async () => {
    const [one, two] = [await upload(ada), await upload(ada)];
    const created = await ada.write('POST', drafts, { text: 'Soon', media: [one.id.toUpperCase(), two.id] });
    expect([created.status, created.json.media]).toEqual([201, [one.id, two.id]]);
    const { id } = created.json;
    expect((await look(eve, one.id)).status).toBe(404);
    const replaced = await ada.write('PUT', `${drafts}/${id}`, { text: 'Soon', media: [two.id] });
    expect(replaced.json.media).toEqual([two.id]);
    const published = await ada.write('POST', `${drafts}/${id}/publish`);
    expect([published.status, published.json.media]).toEqual([201, [two]]);
    expect((await look(eve, two.id)).status).toBe(200);
    expect((await publish(ada, [one.id])).status).toBe(201);
  });

  it('does not take what is not its author’s, and cannot publish what another post has by then', async () => {
    const [mine, hers] = [await upload(ada), await upload(eve)];
    const refused = await ada.write('POST', drafts, { text: 'Soon', media: [hers.id] });
    expect([refused.status, refused.json.code]).toEqual(notUsable);
    const { id } = (await ada.write('POST', drafts, { text: 'Soon', media: [mine.id] })).json;
    await publish(ada, [mine.id]);
    const late = await ada.write('POST', `${drafts}/${id}/publish`);
    expect([late.status, late.json.code]).toEqual(notUsable);
    expect((await ada.get(`${drafts}/${id}`)).json.media).toEqual([mine.id]);
  });

  it('is published with its pictures by the worker at its time', async () => {
    const { id } = await upload(ada);
    const publishAt = new Date(Date.now() + 1_000).toISOString();
    const draft = await ada.write('POST', drafts, { text: 'Later', media: [id], publishAt });
    expect(draft.status).toBe(201);
    const worker = await app.startWorker();
    await waitFor(async () => (await look(eve, id)).status === 200, { what: 'the post' });
    await worker.stop('the test is over');
  });
});

describe('a profile', () => {
  const change = (caller: Caller, body: object) => caller.write('PATCH', '/api/v1/users/me', body);

  it('shows an own picture, to whoever sees the person', async () => {
    const [one, two] = [await upload(ada), await upload(ada)];
    expect((await change(ada, { avatarId: one.id })).json.avatarId).toBe(one.id);
    expect((await look(eve, one.id)).status).toBe(200);
    expect((await publish(ada, [one.id])).json.code).toBe('MEDIA_NOT_USABLE');
    await change(ada, { avatarId: two.id });
    expect([(await look(eve, one.id)).status, (await look(eve, two.id)).status]).toEqual([404, 200]);
    await change(ada, { avatarId: null });
    expect((await look(eve, two.id)).status).toBe(404);
    expect((await change(ada, { avatarId: two.id })).status).toBe(200);
    await ada.write('PUT', `/api/v1/users/${eve.username}/block`);
    expect((await look(eve, two.id)).status).toBe(404);
  });

  it('takes none that is somebody else’s, or in a post, and then changes nothing', async () => {
    const [used, hers] = [await upload(ada), await upload(eve)];
    await publish(ada, [used.id]);
    for (const avatarId of [used.id, hers.id, randomUUID()]) {
      const refused = await change(ada, { avatarId, bio: 'New' });
      expect([refused.status, refused.json.code]).toEqual(notUsable);
    }
    expect((await eve.get(`/api/v1/users/${ada.username}`)).json).toMatchObject({
      avatarId: null,
      bio: null,
    });
  });
});
