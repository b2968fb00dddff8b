import { randomUUID } from 'node:crypto';
import { waitFor } from '@rostrum/testing';
import { AccountEvents } from './account-events';
import { PostsApp, type Caller } from './posts-app';

let app: PostsApp;
let ada: Caller;
let eve: Caller;

beforeAll(async () => {
  app = await PostsApp.start();
});
afterAll(() => app.stop());
beforeEach(async () => {
  [ada, eve] = await Promise.all([app.member('ada'), app.member('eve')]);
});

const visibleTo = async (viewer: Caller, postIds: string[], usernames: string[]) => {
  const body = { viewerId: viewer.id, postIds, usernames };
  const { status, json } = await app.anonymous().write('POST', '/internal/visible', body);
  if (status !== 200) throw new Error(JSON.stringify(json));
  return json;
};

describe('what other services ask of a person', () => {
  it('is answered as the person would be over HTTP', async () => {
    const open = await ada.post('for all');
    const closed = await ada.post('for followers', { visibility: 'followers' });
    const names = [ada.username, 'nobody_at_all'];
    const ids = [open.id, closed.id, randomUUID()];
    const adas = { authorIds: [ada.id], usernames: [ada.username], userIds: [ada.id] };
    expect(await visibleTo(eve, ids, names)).toEqual({ postIds: [open.id], ...adas });
    expect((await visibleTo(ada, ids, [])).postIds).toEqual([open.id, closed.id]);
    await eve.follow(ada.username);
    expect((await visibleTo(eve, ids, [])).postIds).toEqual([open.id, closed.id]);
  });

  it('changes with a block at once', async () => {
    const { id } = await ada.post('for all');
    expect(await visibleTo(eve, [id], [ada.username])).toMatchObject({ postIds: [id], userIds: [ada.id] });
    await ada.write('PUT', `/api/v1/users/${eve.username}/block`);
    expect(await visibleTo(eve, [id], [ada.username])).toMatchObject({ postIds: [], usernames: [] });
  });
});

describe('who may see a post', () => {
  const viewersOf = async (postId: string, ...people: Caller[]) => {
    const body = { postId, viewerIds: people.map(({ id }) => id) };
    const { status, json } = await app.anonymous().write('POST', '/internal/viewers', body);
    expect(status).toBe(200);
    // Each would be answered the same over HTTP.
    for (const person of people) {
      const { status: seen } = await person.get(`/api/v1/posts/${postId}`);
      expect([person.username, seen]).toEqual([
        person.username,
        json.viewerIds.includes(person.id) ? 200 : 404,
      ]);
    }
    return json.viewerIds as string[];
  };

  it('is decided for all at once as for each of them', async () => {
    const [fan, blocked, blocker, named] = (await Promise.all(
      ['fan', 'blocked', 'blocker', 'named'].map((name) => app.member(name)),
    )) as [Caller, Caller, Caller, Caller];
    const people = [ada, eve, fan, blocked, blocker, named] as const;
    await fan.follow(ada.username);
    await ada.write('PUT', `/api/v1/users/${blocked.username}/block`);
    await blocker.write('PUT', `/api/v1/users/${ada.username}/block`);
    await fan.write('PUT', `/api/v1/users/${ada.username}/mute`);
    const posts = {
      public: await ada.post('for all'),
      followers: await ada.post('for followers', { visibility: 'followers' }),
      mentioned: await ada.post(`for @${named.username}`, { visibility: 'mentioned' }),
    };
    const ids = (...some: Caller[]) => some.map(({ id }) => id);
    expect(await viewersOf(posts.public.id, ...people)).toEqual(ids(ada, eve, fan, named));
    expect(await viewersOf(posts.followers.id, ...people)).toEqual(ids(ada, fan));
    expect(await viewersOf(posts.mentioned.id, ...people)).toEqual(ids(ada, named));
    await ada.write('PATCH', '/api/v1/users/me', { isPrivate: true });
    expect(await viewersOf(posts.public.id, ...people)).toEqual(ids(ada, fan));
    expect(await viewersOf(randomUUID(), ...people)).toEqual([]);
  });
});

/** All that a list for other services has, in pages of two. */
async function inPages<Item>(path: string): Promise<Item[]> {
  const found: Item[] = [];
  let next: string | null = '';
  while (next !== null) {
    const { status, json } = await app.anonymous().get(`${path}limit=2${next && `&after=${next}`}`);
    expect([status, json.items.length <= 2]).toEqual([200, true]);
    found.push(...json.items);
    next = json.next;
  }
  return found;
}

describe('who follows whom', () => {
  it('is read page by page, all of it', async () => {
    const fans = await Promise.all(Array.from({ length: 5 }, () => app.member('fan')));
    for (const fan of fans) await fan.follow(ada.username);
    await ada.follow(eve.username);
    const found = await inPages<{ followerId: string; followeeId: string }>('/internal/follows?');
    const pairs = found.map(({ followerId, followeeId }) => `${followerId}.${followeeId}`);
    const really = await app.rows<{ pair: string }>(
      `select follower_id || '.' || followee_id as pair from posts.follows order by follower_id, followee_id`,
    );
    expect(pairs).toEqual(really.map(({ pair }) => pair));
    expect(pairs).toEqual(expect.arrayContaining(fans.map(({ id }) => `${id}.${ada.id}`)));
    expect((await app.anonymous().get('/internal/follows?after=x')).status).toBe(400);
  });
});

describe('who has nothing to do with whom', () => {
  it.each(['block', 'mute'] as const)('is read page by page: every %s', async (kind) => {
    const others = await Promise.all(Array.from({ length: 5 }, () => app.member('other')));
    for (const { username } of others) {
      expect((await ada.write('PUT', `/api/v1/users/${username}/${kind}`)).status).toBe(204);
    }
    const found = await inPages<{ personId: string; otherId: string; since: string }>(
      `/internal/avoidances?kind=${kind}&`,
    );
    const really = await app.rows<{ personId: string; otherId: string; since: Date }>(
      kind === 'block'
        ? `select blocker_id as "personId", blocked_id as "otherId", created_at as since from posts.blocks order by 1, 2`
        : `select muter_id as "personId", muted_id as "otherId", created_at as since from posts.mutes order by 1, 2`,
    );
    expect(found).toEqual(really.map((row) => ({ ...row, since: row.since.toISOString() })));
    const otherIds = found.filter(({ personId }) => personId === ada.id).map(({ otherId }) => otherId);
    expect(otherIds).toEqual(expect.arrayContaining(others.map(({ id }) => id)));
  });

  it('is one of two kinds', async () => {
    expect((await app.anonymous().get('/internal/avoidances')).status).toBe(400);
  });
});

describe('that somebody is seen by others than before', () => {
  const told = async ({ id }: Caller) =>
    (
      await app.rows<{ payload: { isPrivate: boolean; isGone: boolean } }>(
        `select payload from posts.outbox where type = 'profile.visibilityChanged' and key = $1 order by id`,
        [id],
      )
    ).map(({ payload: { isPrivate, isGone } }) => [isPrivate, isGone]);

  it('is told when an account becomes private or public, and not when nothing changes', async () => {
    for (const change of [
      { isPrivate: false },
      { bio: 'Still here' },
      { isPrivate: true },
      { isPrivate: true },
    ])
      await ada.write('PATCH', '/api/v1/users/me', change);
    expect(await told(ada)).toEqual([[true, false]]);
    await ada.write('PATCH', '/api/v1/users/me', { isPrivate: false });
    expect(await told(ada)).toEqual([
      [true, false],
      [false, false],
    ]);
  });

  it('is told when an account is suspended, restored and deleted', async () => {
    const events = new AccountEvents(app);
    await app.startWorker();
    const { id } = await ada.post('for all');
    const toldTimes = (times: number) => waitFor(async () => (await told(ada)).length === times);
    await events.suspended(ada);
    await toldTimes(1);
    // By then posts answers accordingly.
    expect((await visibleTo(eve, [id], [])).postIds).toEqual([]);
    await events.restored(ada);
    await toldTimes(2);
    await events.deleted(ada);
    await toldTimes(3);
    expect(await told(ada)).toEqual([
      [false, true],
      [false, false],
      [false, true],
    ]);
  });
});
