import { claim, decide, outcome, queueOf, recordOf, report } from './moderation-desk';
import { ModerationScene } from './moderation-scene';
import type { Caller, PostsApp } from './posts-app';

let scene: ModerationScene;
let app: PostsApp;
let ada: Caller;
let eve: Caller;
let mod: Caller;
let other: Caller;

beforeAll(async () => {
  scene = await ModerationScene.open();
  ({ app, mod, other } = scene);
});
afterAll(() => scene.close());
beforeEach(async () => {
  [ada, eve] = await scene.people();
});

/** Who has read a post, in which of its cases. */
const readersOf = (postId: string) =>
  app.rows<{ actor_id: string; round: number | null; version: number; ago: number }>(
    `select actor_id, round, version, extract(epoch from now() - created_at)::float8 as ago
       from posts.moderation_log where post_id = $1 and kind = 'read' order by seq`,
    [postId],
  );
const reading = (moderator: Caller, round: number | null, version = 1) => ({
  actor_id: moderator.id,
  round,
  version,
  ago: expect.any(Number) as number,
});

it.each(['followers', 'mentioned'] as const)(
  'a moderator who reads a post for %s is in the log each time, with the case that it was for',
  async (visibility) => {
    const { id } = await ada.post(`Between us, @${eve.username}`, { visibility });
    await eve.follow(ada.username);
    expect((await recordOf(mod, id)).status).toBe(200);
    expect(await readersOf(id)).toEqual([reading(mod, null)]);
    if (visibility === 'followers') {
      const etag = (await ada.get(`/api/v1/posts/${id}`)).headers.get('etag') as string;
      const text = { text: 'Between us, and edited' };
      const edited = await ada.write('PATCH', `/api/v1/posts/${id}`, text, { 'If-Match': etag });
      expect(edited.status).toBe(200);
    }
    expect((await report(eve, id)).status).toBe(201);
    await recordOf(other, id);
    await recordOf(mod, id);
    const version = visibility === 'followers' ? 2 : 1;
    expect((await readersOf(id)).slice(1)).toEqual([reading(other, 1, version), reading(mod, 1, version)]);
  },
);

it('so is one who finds it in the queue, and nobody is for a post that is for everybody', async () => {
  const { id: secret } = await ada.post('For followers', { visibility: 'followers' });
  const { id: open } = await ada.post('For everybody');
  await eve.follow(ada.username);
  for (const id of [secret, open]) await report(eve, id);
  expect(await scene.queued(secret)).toBeDefined();
  await recordOf(mod, open);
  expect(await readersOf(secret)).toEqual([reading(mod, 1)]);
  expect(await readersOf(open)).toEqual([]);
});

it('a post of somebody whose account is private is not for everybody', async () => {
  const { id } = await ada.post('At home');
  await ada.write('PATCH', '/api/v1/users/me', { isPrivate: true });
  await recordOf(mod, id);
  expect(await readersOf(id)).toEqual([reading(mod, null)]);
});

it('whoever is refused has read nothing', async () => {
  const { id } = await mod.post('My own', { visibility: 'followers' });
  expect(outcome(await recordOf(mod, id))).toEqual([409, 'OWN_POST']);
  const { id: deleted } = await ada.post('Gone', { visibility: 'followers' });
  await ada.write('DELETE', `/api/v1/posts/${deleted}`);
  expect((await recordOf(mod, deleted)).json.post).not.toHaveProperty('text');
  expect((await recordOf(eve, deleted)).status).toBe(403);
  expect((await queueOf(eve)).status).toBe(403);
  for (const each of [id, deleted]) expect(await readersOf(each)).toEqual([]);
});

it('the record is of what moderators have done, not of what they have read', async () => {
  const { id } = await ada.post('For followers', { visibility: 'followers' });
  await eve.follow(ada.username);
  await report(eve, id);
  await claim(mod, id);
  await decide(mod, ['hide', id]);
  const { json } = await recordOf(mod, id);
  expect(json.log.map(({ kind }: { kind: string }) => kind)).toEqual(['hidden', 'claimed']);
});
