import { randomUUID } from 'node:crypto';
import { userFollowed, userFollowRequested, userFollowRequestWithdrawn } from '@rostrum/contracts';
import { PostsApp, type Caller } from './posts-app';

let app: PostsApp;
let owner: Caller;
let fan: Caller;

beforeAll(async () => {
  app = await PostsApp.start();
});
afterAll(() => app.stop());
beforeEach(async () => {
  owner = await app.member('owner');
  fan = await app.member('fan');
  await setPrivate(true);
});

const setPrivate = (isPrivate: boolean) => owner.write('PATCH', '/api/v1/users/me', { isPrivate });
const waiting = async (query = '') =>
  (await owner.get(`/api/v1/users/me/follow-requests${query}`)).json.items.map(
    ({ username }: { username: string }) => username,
  );
const accept = ({ username }: Caller) => owner.write('PUT', `/api/v1/users/me/follow-requests/${username}`);
const refuse = ({ username }: Caller) =>
  owner.write('DELETE', `/api/v1/users/me/follow-requests/${username}`);
const followers = async () => (await owner.get(`/api/v1/users/${owner.username}`)).json.followers;
const told = () =>
  app.rows<{ type: string; payload: unknown }>(
    'select type, payload from posts.outbox where key = $1 order by id',
    [owner.id],
  );

describe('following a private account', () => {
  it('asks its owner, once, and shows nothing until they have granted it', async () => {
    const post = await owner.post('For followers');
    for (let time = 0; time < 2; time += 1) {
      const { status, json } = await fan.follow(owner.username);
      expect([status, json]).toEqual([202, { state: 'requested' }]);
    }
    expect(await waiting()).toEqual([fan.username]);
    expect(await followers()).toBe(0);
    expect((await fan.get(`/api/v1/posts/${post.id}`)).status).toBe(404);

    expect((await accept(fan)).status).toBe(204);
    expect(await waiting()).toEqual([]);
    expect(await followers()).toBe(1);
    expect((await fan.get(`/api/v1/posts/${post.id}`)).status).toBe(200);
    expect((await accept(fan)).status).toBe(204);
    expect((await fan.follow(owner.username)).status).toBe(204);

    const events = (await told()).filter(({ type }) => type.startsWith('user.'));
    expect(events.map(({ type }) => type)).toEqual(['user.followRequested', 'user.followed']);
    expect(userFollowRequested.payload.parse(events[0]?.payload)).toMatchObject({
      requesterId: fan.id,
      requesterUsername: fan.username,
      targetId: owner.id,
    });
    expect(userFollowed.payload.parse(events[1]?.payload)).toMatchObject({
      followerId: fan.id,
      followerUsername: fan.username,
      followeeId: owner.id,
    });
  });

  it('can be refused, and asked again', async () => {
    await fan.follow(owner.username);
    expect((await refuse(fan)).status).toBe(204);
    expect((await refuse(fan)).status).toBe(204);
    expect(await waiting()).toEqual([]);
    expect((await accept(fan)).status).toBe(404);
    const withdrawn = (await told()).filter(({ type }) => type === 'user.followRequestWithdrawn');
    expect(withdrawn).toHaveLength(1);
    expect(userFollowRequestWithdrawn.payload.parse(withdrawn[0]?.payload)).toMatchObject({
      requesterId: fan.id,
      targetId: owner.id,
    });
    expect((await fan.follow(owner.username)).status).toBe(202);
    expect(await waiting()).toEqual([fan.username]);
  });

  it('can be taken back by who has asked', async () => {
    await fan.follow(owner.username);
    expect((await fan.unfollow(owner.username)).status).toBe(204);
    expect(await waiting()).toEqual([]);
    expect((await fan.unfollow(owner.username)).status).toBe(204);
    expect((await told()).filter(({ type }) => type === 'user.followRequestWithdrawn')).toHaveLength(1);
  });

  it('keeps those who followed before', async () => {
    await setPrivate(false);
    await fan.follow(owner.username);
    await setPrivate(true);
    expect((await fan.follow(owner.username)).status).toBe(204);
    expect(await followers()).toBe(1);
    await fan.unfollow(owner.username);
    expect((await fan.follow(owner.username)).status).toBe(202);
  });

  it('is repeated with its key with the same answer', async () => {
    const headers = { 'Idempotency-Key': randomUUID() };
    const path = `/api/v1/users/${owner.username}/follow`;
    await fan.write('PUT', path, undefined, headers);
    await accept(fan);
    const again = await fan.write('PUT', path, undefined, headers);
    expect([again.status, again.json, again.headers.get('idempotency-replayed')]).toEqual([
      202,
      { state: 'requested' },
      'true',
    ]);
  });
});

describe('GET /api/v1/users/me/follow-requests', () => {
  it('has the newest first, page by page, without those who are gone', async () => {
    const fans: Caller[] = [];
    for (let i = 0; i < 5; i += 1) {
      const each = await app.member('fan');
      await each.follow(owner.username);
      fans.push(each);
    }
    await app.arrange('update posts.profiles set suspended_at = now() where user_id = $1', [fans[1]?.id]);
    const seen: string[] = [];
    let path: string | undefined = '/api/v1/users/me/follow-requests?limit=2';
    while (path !== undefined) {
      const page = await owner.get(path);
      expect(page.status).toBe(200);
      seen.push(...page.json.items.map(({ id }: { id: string }) => id));
      path = /<([^>]+)>; rel="next"/.exec(page.headers.get('link') ?? '')?.[1];
    }
    expect(seen).toEqual([4, 3, 2, 0].map((index) => fans[index]?.id));
    expect((await accept(fans[1] as Caller)).status).toBe(404);
  });

  it("takes no other list's cursor, nor anybody else's", async () => {
    for (const name of ['one', 'two']) await (await app.member(name)).follow(owner.username);
    const { json } = await owner.get('/api/v1/users/me/follow-requests?limit=1');
    expect((await fan.get(`/api/v1/users/me/follow-requests?cursor=${json.nextCursor}`)).json.code).toBe(
      'INVALID_CURSOR',
    );
    expect((await owner.get(`/api/v1/users/me/blocks?cursor=${json.nextCursor}`)).json.code).toBe(
      'INVALID_CURSOR',
    );
  });
});

describe('answering a request', () => {
  it('needs one, and a person who can have made it', async () => {
    for (const method of ['PUT', 'DELETE'] as const) {
      const path = '/api/v1/users/me/follow-requests';
      expect((await owner.write(method, `${path}/nobody_here`)).status).toBe(404);
      expect((await owner.write(method, `${path}/No`)).status).toBe(400);
      expect((await app.anonymous().write(method, `${path}/${fan.username}`)).status).toBe(401);
    }
    expect((await accept(fan)).json.code).toBe('NOT_FOUND');
  });
});
