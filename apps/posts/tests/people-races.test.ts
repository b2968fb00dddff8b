import fc from 'fast-check';
import { PostsApp, type Caller } from './posts-app';

let app: PostsApp;

beforeAll(async () => {
  app = await PostsApp.start();
});
afterAll(() => app.stop());

const deeds = ['follow', 'unfollow', 'block', 'unblock', 'private', 'public', 'accept', 'refuse'] as const;

interface Deed {
  who: number;
  what: (typeof deeds)[number];
  whom: number;
}

const people = 4;
const deed: fc.Arbitrary<Deed> = fc.record({
  who: fc.nat({ max: people - 1 }),
  what: fc.constantFrom(...deeds),
  whom: fc.nat({ max: people - 1 }),
});

/** The statuses that each may be answered with, whatever else happens at the same time. */
const mayAnswer: Record<Deed['what'], number[]> = {
  follow: [202, 204, 404],
  unfollow: [204],
  block: [204],
  unblock: [204],
  private: [200],
  public: [200],
  accept: [204, 404],
  refuse: [204],
};

function perform(who: Caller, what: Deed['what'], { username }: Caller) {
  const me = '/api/v1/users/me';
  switch (what) {
    case 'follow':
      return who.follow(username);
    case 'unfollow':
      return who.unfollow(username);
    case 'block':
      return who.write('PUT', `/api/v1/users/${username}/block`);
    case 'unblock':
      return who.write('DELETE', `/api/v1/users/${username}/block`);
    case 'private':
    case 'public':
      return who.write('PATCH', me, { isPrivate: what === 'private' });
    case 'accept':
      return who.write('PUT', `${me}/follow-requests/${username}`);
    case 'refuse':
      return who.write('DELETE', `${me}/follow-requests/${username}`);
  }
}

/** What must hold of the tables whenever nothing is under way. */
async function expectConsistent(ids: readonly string[]): Promise<void> {
  const wrongCounts = await app.rows(
    `select username from posts.profiles p
      where user_id = any($1)
        and (followers <> (select count(*) from posts.follows where followee_id = p.user_id)
             or following <> (select count(*) from posts.follows where follower_id = p.user_id))`,
    [ids],
  );
  expect(wrongCounts).toEqual([]);
  const besideBlocks = await app.rows(
    `select 'follow' as what from posts.follows f join posts.blocks b
         on (b.blocker_id, b.blocked_id) in ((f.follower_id, f.followee_id), (f.followee_id, f.follower_id))
     union all
     select 'request' from posts.follow_requests r join posts.blocks b
         on (b.blocker_id, b.blocked_id) in ((r.requester_id, r.target_id), (r.target_id, r.requester_id))
     union all
     select 'both' from posts.follow_requests r
       join posts.follows f on f.follower_id = r.requester_id and f.followee_id = r.target_id`,
  );
  expect(besideBlocks).toEqual([]);
}

/** What others are told must add up to what is. */
async function expectToldTruly(ids: readonly string[]): Promise<void> {
  const wrong = await app.rows(
    `with told as (
       select payload->>'followerId' as follower, payload->>'followeeId' as followee,
              sum(case type when 'user.followed' then 1 else -1 end) as times
         from posts.outbox where type in ('user.followed', 'user.unfollowed') and key = any($1) group by 1, 2),
          really as (
       select follower_id::text as follower, followee_id::text as followee, 1 as times
         from posts.follows where followee_id::text = any($1))
     select * from told full join really using (follower, followee)
      where coalesce(told.times, 0) <> coalesce(really.times, 0)`,
    [ids],
  );
  expect(wrong).toEqual([]);
}

it('keeps counts, follows, requests and blocks in line with each other, and events with them, whatever happens at once', async () => {
  const property = fc.asyncProperty(fc.array(deed, { minLength: 10, maxLength: 40 }), async (all) => {
    const callers = await Promise.all(Array.from({ length: people }, () => app.member('person')));
    const ids = callers.map(({ id }) => id);
    await Promise.all(
      all
        .filter(({ who, whom }) => who !== whom)
        .map(async ({ who, what, whom }) => {
          const { status, text } = await perform(callers[who] as Caller, what, callers[whom] as Caller);
          if (!mayAnswer[what].includes(status)) throw new Error(`${what} was answered ${status} ${text}`);
        }),
    );
    await expectConsistent(ids);
    await expectToldTruly(ids);
    // What is read is what is, also from the caches.
    for (const { id, username } of callers) {
      const { json } = await (callers.find((each) => each.id === id) as Caller).get(
        `/api/v1/users/${username}`,
      );
      const [row] = await app.rows(
        'select followers, following, is_private as "isPrivate" from posts.profiles where user_id = $1',
        [id],
      );
      expect(json).toMatchObject(row as object);
    }
  });
  await fc.assert(property, { numRuns: 20 });
});

it('leaves nothing of who blocks and who follows at the same time', async () => {
  for (let round = 0; round < 10; round += 1) {
    const [ada, eve] = [await app.member('ada'), await app.member('eve')];
    await Promise.all([
      ada.follow(eve.username),
      eve.write('PUT', `/api/v1/users/${ada.username}/block`),
      eve.follow(ada.username),
      ada.unfollow(eve.username),
    ]);
    await expectConsistent([ada.id, eve.id]);
    for (const caller of [ada, eve]) {
      const { json } = await caller.get(`/api/v1/users/${caller.username}`);
      expect(json).toMatchObject({ followers: 0, following: 0 });
    }
  }
});
