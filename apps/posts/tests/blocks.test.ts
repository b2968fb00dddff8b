import { randomUUID } from 'node:crypto';
import { userBlocked, userMuted, userUnblocked, userUnfollowed, userUnmuted } from '@rostrum/contracts';
import { PostsApp, type Caller } from './posts-app';

let app: PostsApp;
let ada: Caller;
let eve: Caller;

beforeAll(async () => {
  app = await PostsApp.start();
});
afterAll(() => app.stop());
beforeEach(async () => {
  ada = await app.member('ada');
  eve = await app.member('eve');
});

const put = (caller: Caller, what: 'block' | 'mute', { username }: Caller, headers = {}) =>
  caller.write('PUT', `/api/v1/users/${username}/${what}`, undefined, headers);
const take = (caller: Caller, what: 'block' | 'mute', { username }: Caller) =>
  caller.write('DELETE', `/api/v1/users/${username}/${what}`);
const listed = async (caller: Caller, list: 'blocks' | 'mutes') =>
  (await caller.get(`/api/v1/users/me/${list}`)).json.items.map(({ id }: { id: string }) => id);
const countsOf = async (caller: Caller) => {
  const { followers, following } = (await caller.get(`/api/v1/users/${caller.username}`)).json;
  return [followers, following];
};
const told = () =>
  app.rows<{ type: string; key: string; payload: unknown }>(
    `select type, key, payload from posts.outbox where key = any($1) and type like 'user.%' order by id`,
    [[ada.id, eve.id]],
  );

describe('PUT /api/v1/users/:username/block', () => {
  it('ends follows both ways, and neither sees the other any more', async () => {
    await ada.follow(eve.username);
    await eve.follow(ada.username);
    const [mine, theirs] = [await ada.post('Mine'), await eve.post('Theirs')];
    for (const [who, post] of [
      [ada, theirs],
      [eve, mine],
    ] as const) {
      expect((await who.get(`/api/v1/posts/${post.id}`)).status).toBe(200);
    }

    expect((await put(ada, 'block', eve)).status).toBe(204);
    expect((await put(ada, 'block', eve)).status).toBe(204);

    for (const [who, other, post] of [
      [ada, eve, theirs],
      [eve, ada, mine],
    ] as const) {
      expect((await who.get(`/api/v1/posts/${post.id}`)).status).toBe(404);
      expect((await who.get(`/api/v1/users/${other.username}`)).status).toBe(404);
      expect((await who.follow(other.username)).status).toBe(404);
      expect((await who.get(`/api/v1/users/${other.username}/followers`)).status).toBe(404);
      expect(await countsOf(who)).toEqual([0, 0]);
    }
    expect(await listed(ada, 'blocks')).toEqual([eve.id]);
    expect(await listed(eve, 'blocks')).toEqual([]);

    const events = (await told()).filter(({ type }) => !type.startsWith('user.followed'));
    expect(events.map(({ type, key }) => [type, key])).toEqual([
      ['user.unfollowed', eve.id],
      ['user.unfollowed', ada.id],
      ['user.blocked', eve.id],
    ]);
    expect(userUnfollowed.payload.parse(events[0]?.payload)).toMatchObject({
      followerId: ada.id,
      followeeId: eve.id,
    });
    expect(userBlocked.payload.parse(events[2]?.payload)).toMatchObject({
      blockerId: ada.id,
      blockedId: eve.id,
    });
  });

  it('ends requests both ways', async () => {
    for (const [owner, asking] of [
      [ada, eve],
      [eve, ada],
    ] as const) {
      await owner.write('PATCH', '/api/v1/users/me', { isPrivate: true });
      expect((await asking.follow(owner.username)).status).toBe(202);
    }
    await put(ada, 'block', eve);
    for (const owner of [ada, eve])
      expect((await owner.get('/api/v1/users/me/follow-requests')).json.items).toEqual([]);
    const withdrawn = (await told()).filter(({ type }) => type === 'user.followRequestWithdrawn');
    expect(withdrawn.map(({ key }) => key).sort()).toEqual([ada.id, eve.id].sort());
  });

  it('can be taken back, and then nothing is as it was but the posts', async () => {
    await ada.follow(eve.username);
    const { id } = await eve.post('Still here');
    await put(ada, 'block', eve);
    expect((await take(ada, 'block', eve)).status).toBe(204);
    expect((await take(ada, 'block', eve)).status).toBe(204);
    expect((await ada.get(`/api/v1/posts/${id}`)).status).toBe(200);
    expect(await countsOf(eve)).toEqual([0, 0]);
    expect(await listed(ada, 'blocks')).toEqual([]);
    const unblocked = (await told()).filter(({ type }) => type === 'user.unblocked');
    expect(unblocked).toHaveLength(1);
    expect(userUnblocked.payload.parse(unblocked[0]?.payload)).toMatchObject({
      blockerId: ada.id,
      blockedId: eve.id,
    });
  });

  it('is possible both ways, and each takes back their own', async () => {
    await put(ada, 'block', eve);
    expect((await put(eve, 'block', ada)).status).toBe(204);
    await take(ada, 'block', eve);
    expect((await ada.get(`/api/v1/users/${eve.username}`)).status).toBe(404);
    expect(await listed(eve, 'blocks')).toEqual([ada.id]);
    await take(eve, 'block', ada);
    expect((await ada.get(`/api/v1/users/${eve.username}`)).status).toBe(200);
  });

  it('can be done to and taken back from somebody who is suspended', async () => {
    await app.arrange('update posts.profiles set suspended_at = now() where user_id = $1', [eve.id]);
    expect((await put(ada, 'block', eve)).status).toBe(204);
    expect(await listed(ada, 'blocks')).toEqual([eve.id]);
    expect((await take(ada, 'block', eve)).status).toBe(204);
  });

  it('is done once for a key', async () => {
    const headers = { 'Idempotency-Key': randomUUID() };
    await put(ada, 'block', eve, headers);
    await take(ada, 'block', eve);
    const again = await put(ada, 'block', eve, headers);
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([204, 'true']);
    expect(await listed(ada, 'blocks')).toEqual([]);
  });

  it('keeps nothing of it when its event cannot be written', async () => {
    await ada.follow(eve.username);
    await app.rows('revoke insert on posts.outbox from rostrum_posts');
    try {
      expect((await put(ada, 'block', eve)).status).toBe(500);
    } finally {
      await app.rows('grant insert on posts.outbox to rostrum_posts');
    }
    expect(await countsOf(eve)).toEqual([1, 0]);
    expect((await ada.get(`/api/v1/users/${eve.username}`)).status).toBe(200);
    expect(await listed(ada, 'blocks')).toEqual([]);
  });
});

describe('PUT /api/v1/users/:username/mute', () => {
  it('keeps them out of the feed and nowhere else, untold to them, until it is taken back', async () => {
    await ada.follow(eve.username);
    const { id } = await eve.post('Louder');
    const inFeed = async () =>
      (await ada.get('/api/v1/feed')).json.items.some((post: { id: string }) => post.id === id);
    expect(await inFeed()).toBe(true);
    expect((await put(ada, 'mute', eve)).status).toBe(204);
    expect((await put(ada, 'mute', eve)).status).toBe(204);
    expect(await inFeed()).toBe(false);
    expect((await ada.get(`/api/v1/posts/${id}`)).status).toBe(200);
    expect(await listed(ada, 'mutes')).toEqual([eve.id]);
    expect(await countsOf(eve)).toEqual([1, 0]);

    expect((await take(ada, 'mute', eve)).status).toBe(204);
    expect((await take(ada, 'mute', eve)).status).toBe(204);
    expect(await inFeed()).toBe(true);

    const events = (await told()).filter(({ type }) => type.endsWith('muted'));
    expect(events.map(({ type, key }) => [type, key])).toEqual([
      ['user.muted', eve.id],
      ['user.unmuted', eve.id],
    ]);
    expect(userMuted.payload.parse(events[0]?.payload)).toMatchObject({ muterId: ada.id, mutedId: eve.id });
    expect(userUnmuted.payload.parse(events[1]?.payload)).toMatchObject({ muterId: ada.id });
  });

  it('is of no use against whom one cannot see', async () => {
    await put(eve, 'block', ada);
    expect((await put(ada, 'mute', eve)).json.code).toBe('NOT_FOUND');
  });
});

describe.each(['block', 'mute'] as const)('%s', (what) => {
  it('does not do it to oneself, under no name', async () => {
    const renamed = await app.caller({ id: ada.id, username: `${ada.username}_new` });
    for (const caller of [ada, renamed]) {
      const { status, json } = await put(caller, what, ada);
      expect([status, json.code]).toEqual([409, `CANNOT_${what.toUpperCase()}_YOURSELF`]);
    }
  });

  it('needs somebody, a name that can be one, and who asks', async () => {
    const early = await app.person('early');
    for (const method of ['PUT', 'DELETE']) {
      expect((await early.write(method, `/api/v1/users/nobody_here/${what}`)).status).toBe(404);
      expect((await ada.write(method, `/api/v1/users/Eve!/${what}`)).status).toBe(400);
      expect((await app.anonymous().write(method, `/api/v1/users/${eve.username}/${what}`)).status).toBe(401);
    }
    expect(await app.rows('select 1 from posts.profiles where user_id = $1', [early.id])).toEqual([]);
  });

  it('lists them newest first, page by page', async () => {
    const others: Caller[] = [];
    for (let i = 0; i < 5; i += 1) {
      others.push(await app.member('other'));
      await put(ada, what, others[i] as Caller);
    }
    const seen: string[] = [];
    let path: string | undefined = `/api/v1/users/me/${what}s?limit=2`;
    while (path !== undefined) {
      const page = await ada.get(path);
      seen.push(...page.json.items.map(({ id }: { id: string }) => id));
      path = /<([^>]+)>; rel="next"/.exec(page.headers.get('link') ?? '')?.[1];
    }
    expect(seen).toEqual(others.map(({ id }) => id).reverse());
    expect((await ada.get(`/api/v1/users/me/${what}s?limit=0`)).status).toBe(400);
    expect((await ada.get(`/api/v1/users/me/${what}s?cursor=x`)).json.code).toBe('INVALID_CURSOR');
  });
});
