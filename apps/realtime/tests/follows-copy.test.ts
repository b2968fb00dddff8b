import { randomUUID } from 'node:crypto';
import { waitFor } from '@rostrum/testing';
import { Facts } from './facts';
import { RealtimeApp, type Person } from './realtime-app';

let app: RealtimeApp;
let facts: Facts;

beforeEach(async () => {
  app = await RealtimeApp.create();
  facts = new Facts(app);
});
afterEach(() => app.stop());

const long = '2026-01-01T00:00:00.000Z';
const follow = (followerId: string, followeeId: string) => ({ followerId, followeeId, followedAt: long });

/** What posts has, on so many pages. */
function pagesOf(items: readonly ReturnType<typeof follow>[], size: number) {
  const pages = [];
  for (let start = 0; start < items.length; start += size) {
    const before = items[start - 1];
    const at = before ? `${before.followerId}.${before.followeeId}` : null;
    pages.push({ at, items: items.slice(start, start + size) });
  }
  return pages;
}

const known = async () =>
  (
    await app.rows<{ pair: string }>(
      `select follower_id || '.' || followee_id as pair from realtime.follows where active`,
    )
  )
    .map(({ pair }) => pair)
    .sort();
const pairsOf = (follows: readonly ReturnType<typeof follow>[]) =>
  follows.map(({ followerId, followeeId }) => `${followerId}.${followeeId}`).sort();
const isDone = async () =>
  (await app.rows(`select from realtime.copies where name = 'follows' and done_at is not null`)).length === 1;
const done = () => waitFor(isDone, { what: 'the copy', timeoutMs: 30_000 });

describe('follows from before this service listened', () => {
  const author = randomUUID();
  const many = Array.from({ length: 25 }, () => follow(randomUUID(), author));

  it('are copied once, by however many workers, and then asked for no more', async () => {
    app.posts.pages = pagesOf(many, 4);
    await Promise.all([app.worker(), app.worker()]);
    await done();
    expect(await known()).toEqual(pairsOf(many));
    const { pagesAsked } = app.posts;
    await (await app.worker()).service.stop('another one begins and ends');
    expect(app.posts.pagesAsked).toBe(pagesAsked);
  });

  it('are gone on with where posts went away, or a worker', async () => {
    app.posts.pages = pagesOf(many, 5).slice(0, 3);
    app.posts.failsAfterPages = 2;
    const first = await app.worker();
    const halfway = async () => (await known()).length === 10;
    await waitFor(halfway, { what: 'two pages' });
    await first.service.stop('it goes away');
    app.posts.pages = pagesOf(many, 5);
    app.posts.failsAfterPages = Infinity;
    const { pagesAsked } = app.posts;
    await app.worker();
    await done();
    expect(await known()).toEqual(pairsOf(many));
    // The first two are not asked for again.
    expect(app.posts.pagesAsked - pagesAsked).toBe(3);
  });

  it('do not bring back what events have ended, nor who is gone', async () => {
    const [ada, grace, eve] = (await Promise.all(
      ['ada', 'grace', 'eve'].map((name) => app.person(name)),
    )) as [Person, Person, Person];
    app.posts.failsAfterPages = 0;
    await app.worker();
    await facts.follow(eve, grace);
    await facts.unfollow(ada, grace);
    await facts.goodbye(eve);
    await app.allHandled();
    // Of another stream than the farewell, and later than it.
    await facts.follow(eve, ada);
    await app.allHandled();
    const gone = [follow(ada.id, grace.id), follow(eve.id, ada.id), follow(ada.id, eve.id)];
    app.posts.pages = pagesOf([...gone, follow(grace.id, ada.id)], 10);
    app.posts.failsAfterPages = Infinity;
    await app.worker();
    await done();
    expect(await known()).toEqual([`${grace.id}.${ada.id}`]);
  });
});
