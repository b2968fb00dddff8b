import { profile as profileSchema, userFollowed } from '@rostrum/contracts';
import { createDatabase } from '@rostrum/data-access';
import { waitFor } from '@rostrum/testing';
import { PostsApp, type Caller } from './posts-app';

let app: PostsApp;
let ada: Caller;
let grace: Caller;

beforeAll(async () => {
  app = await PostsApp.start();
});
afterAll(() => app.stop());
beforeEach(async () => {
  ada = await app.person('ada');
  grace = await app.person('grace');
  await register(ada, grace);
});

/** What the worker does when auth says that somebody has registered. */
async function register(...people: Caller[]): Promise<void> {
  for (const { id, username } of people)
    await app.rows('insert into posts.profiles values ($1, $2, now())', [id, username]);
}

const profileOf = async (caller: Caller) => (await ada.get(`/api/v1/users/${caller.username}`)).json;

const followEvents = () =>
  app.rows<{ payload: unknown; key: string }>(
    `select payload, key from posts.outbox where type = 'user.followed' and key = any($1)`,
    [[ada.id, grace.id]],
  );

/** The counts as they are kept, beside the rows that they count. */
async function expectExactCounts(...people: Caller[]): Promise<void> {
  const wrong = await app.rows(
    `select p.username, p.followers, p.following,
            (select count(*)::int from posts.follows where followee_id = p.user_id) as really_followers,
            (select count(*)::int from posts.follows where follower_id = p.user_id) as really_following
       from posts.profiles p where user_id = any($1)`,
    [people.map(({ id }) => id)],
  );
  expect(wrong).toHaveLength(people.length);
  for (const row of wrong) {
    expect([row.followers, row.following]).toEqual([row.really_followers, row.really_following]);
  }
}

describe('GET /api/v1/users/:username', () => {
  it('answers the profile', async () => {
    const { status, json, headers } = await ada.get(`/api/v1/users/${grace.username}`);
    expect(status).toBe(200);
    expect(profileSchema.parse(json)).toEqual({
      id: grace.id,
      username: grace.username,
      displayName: null,
      avatarId: null,
      isPrivate: false,
      bio: null,
      followers: 0,
      following: 0,
      createdAt: expect.any(String),
    });
    expect(headers.get('cache-control')).toBe('private, no-cache');
    expect(headers.get('etag')).toMatch(/^".+"$/);
  });

  it('answers from the cache the second time, until a follow changes it', async () => {
    const queries = () => app.metric('db_query_duration_seconds_count{operation="find_profile"}');
    expect(await profileOf(grace)).toMatchObject({ followers: 0 });
    const before = await queries();
    expect(await profileOf(grace)).toMatchObject({ followers: 0 });
    expect(await queries()).toBe(before);
    await profileOf(ada);
    await ada.follow(grace.username);
    expect(await profileOf(grace)).toMatchObject({ followers: 1 });
    expect(await profileOf(ada)).toMatchObject({ following: 1 });
    await ada.unfollow(grace.username);
    expect(await profileOf(grace)).toMatchObject({ followers: 0 });
    expect(await profileOf(ada)).toMatchObject({ following: 0 });
  });

  it('does not remember that there was no such user', async () => {
    const late = await app.person('late');
    expect((await ada.get(`/api/v1/users/${late.username}`)).status).toBe(404);
    await register(late);
    expect(await profileOf(late)).toMatchObject({ id: late.id });
  });

  it('knows an author from their token before their registration has arrived', async () => {
    const early = await app.person('early');
    await early.post('I am quick');
    expect(await profileOf(early)).toMatchObject({ id: early.id });
  });

  it('has no profile of nobody', async () => {
    const { status, json } = await ada.get('/api/v1/users/nobody_at_all');
    expect([status, json.code]).toEqual([404, 'NOT_FOUND']);
  });

  it.each(['ab', 'a'.repeat(31), 'Ada', 'a-b-c', 'a%20b', "x'--", '%F0%9F%90%99%F0%9F%90%99'])(
    'refuses the name %s',
    async (name) => {
      for (const [method, path] of [
        ['GET', `/api/v1/users/${name}`],
        ['PUT', `/api/v1/users/${name}/follow`],
        ['DELETE', `/api/v1/users/${name}/follow`],
      ] as const) {
        const { status, json } = await ada.send(method, path);
        expect([method, status, json.code]).toEqual([method, 400, 'VALIDATION_FAILED']);
        expect(json.errors).toEqual([expect.objectContaining({ in: 'path', path: '/username' })]);
      }
    },
  );

  it('asks who you are', async () => {
    const nobody = app.anonymous();
    expect((await nobody.get(`/api/v1/users/${grace.username}`)).status).toBe(401);
    expect((await nobody.follow(grace.username)).status).toBe(401);
    expect((await nobody.unfollow(grace.username)).status).toBe(401);
  });
});

describe('PUT and DELETE /api/v1/users/:username/follow', () => {
  it('follows, counts both sides and tells others once', async () => {
    const { status, text } = await ada.follow(grace.username);

    expect([status, text]).toEqual([204, '']);
    expect(await profileOf(grace)).toMatchObject({ followers: 1, following: 0 });
    expect(await profileOf(ada)).toMatchObject({ followers: 0, following: 1 });
    const [event, ...more] = await followEvents();
    expect(more).toEqual([]);
    expect(event?.key).toBe(grace.id);
    expect(userFollowed.payload.parse(event?.payload)).toEqual({
      followerId: ada.id,
      followerUsername: ada.username,
      followeeId: grace.id,
      followedAt: expect.any(String),
    });
  });

  it('changes nothing when it is asked again', async () => {
    const counted = await app.metric('users_followed_total');
    const statuses = [];
    for (let i = 0; i < 3; i += 1) statuses.push((await ada.follow(grace.username)).status);
    expect(statuses).toEqual([204, 204, 204]);
    expect(await profileOf(grace)).toMatchObject({ followers: 1 });
    expect(await followEvents()).toHaveLength(1);
    expect(await app.metric('users_followed_total')).toBe(counted + 1);
  });

  it('unfollows, any number of times', async () => {
    await ada.follow(grace.username);
    const statuses = [];
    for (let i = 0; i < 3; i += 1) statuses.push((await ada.unfollow(grace.username)).status);
    expect(statuses).toEqual([204, 204, 204]);
    expect(await profileOf(grace)).toMatchObject({ followers: 0 });
    expect(await profileOf(ada)).toMatchObject({ following: 0 });
  });

  it('tells others again when somebody follows anew', async () => {
    await ada.follow(grace.username);
    await ada.unfollow(grace.username);
    await ada.follow(grace.username);
    expect(await followEvents()).toHaveLength(2);
    expect(await profileOf(grace)).toMatchObject({ followers: 1 });
  });

  it('counts exactly while both follow and unfollow each other at once', async () => {
    const linus = await app.person('linus');
    await register(linus);
    const acts = [ada, grace, linus].flatMap((one) =>
      [ada, grace, linus]
        .filter((other) => other !== one)
        .flatMap((other) =>
          Array.from({ length: 4 }, (_, i) =>
            i % 2 ? one.unfollow(other.username) : one.follow(other.username),
          ),
        ),
    );
    const statuses = (await Promise.all(acts)).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([204]));
    await expectExactCounts(ada, grace, linus);
  });

  it('locks whom it counts in one order, so that two who follow each other never wait in a ring', async () => {
    const [low, high] = ada.id < grace.id ? [ada, grace] : [grace, ada];
    const admin = createDatabase({ url: app.database.adminUrl });
    const lock = `select 1 from posts.profiles where user_id = $1 for no key update nowait`;
    const [done] = await admin.transaction(async (trx) => {
      await trx.query('lock_low', lock, [low.id]);
      const following = high.follow(low.username);
      const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
      await waitFor(async () => (await app.rows(waiting)).length > 0);
      await trx.query('lock_high', lock, [high.id]);
      return [following] as const;
    });
    expect((await done).status).toBe(204);
    await admin.close();
  });

  it('makes one follow of many that arrive at once', async () => {
    await Promise.all(Array.from({ length: 10 }, () => ada.follow(grace.username)));
    expect(await profileOf(grace)).toMatchObject({ followers: 1 });
    expect(await followEvents()).toHaveLength(1);
  });

  it('lets somebody follow whose own registration has not arrived', async () => {
    const early = await app.person('early');
    expect((await early.follow(grace.username)).status).toBe(204);
    await expectExactCounts(early, grace);
  });

  it('does not let anybody follow themselves, under no name', async () => {
    const renamed = await app.caller({ id: ada.id, username: `${ada.username}_new` });
    const early = await app.person('early');
    for (const [caller, name] of [
      [ada, ada.username],
      [renamed, ada.username],
      [early, early.username],
    ] as const) {
      const { status, json } = await caller.follow(name);
      expect([status, json.code]).toEqual([409, 'CANNOT_FOLLOW_YOURSELF']);
    }
    expect(await followEvents()).toEqual([]);
    await expectExactCounts(ada);
  });

  it('cannot follow or unfollow nobody, and leaves no trace of having tried', async () => {
    const early = await app.person('early');
    for (const { status, json } of [await early.follow('nobody_here'), await early.unfollow('nobody_here')]) {
      expect([status, json.code]).toEqual([404, 'NOT_FOUND']);
    }
    expect(await app.rows('select 1 from posts.profiles where user_id = $1', [early.id])).toEqual([]);
  });

  it('keeps neither the follow nor the count when its event cannot be written', async () => {
    await app.rows('revoke insert on posts.outbox from rostrum_posts');
    try {
      expect((await ada.follow(grace.username)).status).toBe(500);
    } finally {
      await app.rows('grant insert on posts.outbox to rostrum_posts');
    }
    expect(await profileOf(grace)).toMatchObject({ followers: 0 });
    await expectExactCounts(ada, grace);
  });
});
