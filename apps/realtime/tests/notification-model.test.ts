import { randomUUID } from 'node:crypto';
import path from 'node:path';
import {
  postCreated,
  postDeleted,
  postLiked,
  postUnliked,
  userBlocked,
  userFollowed,
  userMentioned,
  userMuted,
  userUnblocked,
  userUnfollowed,
  type EventContract,
} from '@rostrum/contracts';
import { createDatabase, type Database } from '@rostrum/data-access';
import { createTestDatabase, type TestDatabase } from '@rostrum/testing';
import fc from 'fast-check';
import type { z } from 'zod';
import { NotificationsRepository } from '../src/notifications/notifications.repository';
import { Notifier } from '../src/notifications/notifier';
import { subscribeToPeople } from '../src/notifications/people-subscriptions';
import { subscribeToPosts } from '../src/notifications/posts-subscriptions';
import { NotificationOracle, type Seen } from './notification-oracle';

let testDatabase: TestDatabase;
let database: Database;

beforeAll(async () => {
  testDatabase = await createTestDatabase('realtime', path.join(__dirname, '../migrations'));
  database = createDatabase({ url: testDatabase.url, max: 8 });
});
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

const notifier = new Notifier({
  events: { notificationSent: () => undefined },
  posts: { viewers: (_postId, viewerIds) => Promise.resolve([...viewerIds]) },
  onDue: () => undefined,
});
const subscriptions = [...subscribeToPosts(notifier), ...subscribeToPeople(notifier)];

/** As the worker does: a transaction for each event. */
async function handle<Event extends EventContract>(
  contract: Event,
  payload: z.input<Event['payload']>,
): Promise<void> {
  await database.transaction(
    async (trx) => {
      for (const each of subscriptions.filter(({ contract: { type } }) => type === contract.type)) {
        const event = { id: randomUUID(), type: contract.type, version: 1, key: '', payload } as never;
        await each.handle(payload, { trx, event, signal: AbortSignal.timeout(60_000) });
      }
    },
    { retries: 5 },
  );
}

interface Person {
  id: string;
  username: string;
}

interface Post {
  id: string;
  author: Person;
}

/** People and posts that no other run knows. */
class World {
  readonly people: Person[];
  readonly posts: Post[];
  readonly written: Post[] = [];
  readonly oracle = new NotificationOracle();
  private clock = Date.now();

  constructor(people: number, posts: number) {
    this.people = Array.from({ length: people }, (_, i) => ({ id: randomUUID(), username: `person_${i}` }));
    this.posts = Array.from({ length: posts }, (_, i) => ({ id: randomUUID(), author: this.person(i) }));
  }

  person(index: number): Person {
    return this.people[index % this.people.length] as Person;
  }

  post(index: number): Post {
    return this.posts[index % this.posts.length] as Post;
  }

  now(): string {
    return new Date(++this.clock).toISOString();
  }
}

type Step = (world: World, a: number, b: number) => Promise<void>;

/** Everything that can happen, told to both. */
const steps: Record<string, Step> = {
  async like(world, a, b) {
    const [actor, post] = [world.person(a), world.post(b)];
    world.oracle.tell({ kind: 'like', recipient: post.author.id, actor: actor.id, subject: post.id });
    const payload = { postId: post.id, authorId: post.author.id, userId: actor.id };
    await handle(postLiked, { ...payload, username: actor.username, likedAt: world.now() });
  },
  async unlike(world, a, b) {
    const [actor, post] = [world.person(a), world.post(b)];
    world.oracle.takeBack(post.author.id, 'like', actor.id, post.id);
    const payload = { postId: post.id, authorId: post.author.id, userId: actor.id, unlikedAt: world.now() };
    await handle(postUnliked, payload);
  },
  async reply(world, a, b) {
    const [author, to] = [world.person(a), world.post(b)];
    const post = { id: randomUUID(), author };
    world.written.push(post);
    const told = { kind: 'reply' as const, actor: author.id, subject: to.id, post: post.id };
    world.oracle.tell({ ...told, recipient: to.author.id });
    await handle(postCreated, {
      postId: post.id,
      authorId: author.id,
      authorUsername: author.username,
      createdAt: world.now(),
      replyTo: { postId: to.id, authorId: to.author.id },
    });
  },
  async mention(world, a, b) {
    const post = world.written[b % (world.written.length || 1)];
    if (!post) return;
    const recipient = world.person(a).id;
    const { id: authorId, username: authorUsername } = post.author;
    world.oracle.tell({ kind: 'mention', recipient, actor: authorId, subject: post.id, post: post.id });
    const payload = { userId: recipient, postId: post.id, authorId, authorUsername };
    await handle(userMentioned, { ...payload, mentionedAt: world.now() });
  },
  async delete(world, a) {
    const all = [...world.written, ...world.posts];
    const post = all[a % all.length] as Post;
    world.oracle.forgetPost(post.id);
    await handle(postDeleted, { postId: post.id, authorId: post.author.id, deletedAt: world.now() });
  },
  async follow(world, a, b) {
    const [follower, followee] = [world.person(a), world.person(b)];
    world.oracle.tell({ kind: 'follow', recipient: followee.id, actor: follower.id, subject: null });
    const payload = { followerId: follower.id, followerUsername: follower.username, followeeId: followee.id };
    await handle(userFollowed, { ...payload, followedAt: world.now() });
  },
  async unfollow(world, a, b) {
    const [followerId, followeeId] = [world.person(a).id, world.person(b).id];
    world.oracle.takeBack(followeeId, 'follow', followerId, '');
    await handle(userUnfollowed, { followerId, followeeId, unfollowedAt: world.now() });
  },
  async mute(world, a, b) {
    const [muterId, mutedId] = [world.person(a).id, world.person(b).id];
    if (muterId === mutedId) return;
    world.oracle.avoid(muterId, mutedId, 'mute');
    await handle(userMuted, { muterId, mutedId, mutedAt: world.now() });
  },
  async block(world, a, b) {
    const [blockerId, blockedId] = [world.person(a).id, world.person(b).id];
    if (blockerId === blockedId) return;
    world.oracle.avoid(blockerId, blockedId, 'block');
    await handle(userBlocked, { blockerId, blockedId, blockedAt: world.now() });
  },
  async unblock(world, a, b) {
    const [blockerId, blockedId] = [world.person(a).id, world.person(b).id];
    world.oracle.unblock(blockerId, blockedId);
    await handle(userUnblocked, { blockerId, blockedId, unblockedAt: world.now() });
  },
  async read(world, a, b) {
    const { id } = world.person(a);
    const notifications = new NotificationsRepository(database);
    const listed = await notifications.newest(id, { before: undefined, limit: 100 });
    const index = b % (listed.length || 1);
    world.oracle.read(id, index);
    await notifications.markRead(id, { ids: undefined, upTo: listed[index]?.position ?? 0 });
  },
};

const often = ['like', 'like', 'like', 'reply', 'reply', 'follow'];
const anyStep = fc.tuple(
  fc.constantFrom(...often, ...Object.keys(steps)),
  fc.nat({ max: 50 }),
  fc.nat({ max: 50 }),
);

async function listOf({ id }: Person): Promise<{ seen: Seen[]; unread: number }> {
  const notifications = new NotificationsRepository(database);
  const listed = await notifications.newest(id, { before: undefined, limit: 100 });
  const seen = listed.map(({ kind, postId, actors, actorCount, read }) => ({
    ...{ kind, postId, actorCount, read },
    actors: actors.map((actor) => actor.id),
  }));
  return { seen, unread: await notifications.countUnread(id) };
}

it('people find what they should, in its order, whatever happens', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { minLength: 20, maxLength: 60 }), async (story) => {
      const world = new World(4, 5);
      for (const [name, a, b] of story) await steps[name]?.(world, a, b);
      for (const person of world.people) {
        const expected = world.oracle.list(person.id);
        const unread = expected.filter(({ read }) => !read).length;
        expect(await listOf(person)).toEqual({ seen: expected, unread });
      }
    }),
    { numRuns: 20 },
  );
}, 120_000);

it('what comes while somebody reads is never read unseen, and nothing gets lost', async () => {
  const world = new World(30, 3);
  const ada = world.posts[0]?.author as Person;
  const notifications = new NotificationsRepository(database);
  const seenUpTo = new Map<string, number>();
  let busy = true;
  const reader = async () => {
    while (busy) {
      const listed = await notifications.newest(ada.id, { before: undefined, limit: 100 });
      for (const { id, actorCount } of listed) seenUpTo.set(id, Math.max(seenUpTo.get(id) ?? 0, actorCount));
      await notifications.markRead(ada.id, { ids: undefined, upTo: listed[0]?.position ?? 0 });
    }
  };
  const writer = async (offset: number) => {
    for (const person of world.people.filter((_, index) => index % 3 === offset)) {
      const [post, { id: userId, username }] = [world.post(0), person];
      await handle(postLiked, { postId: post.id, authorId: ada.id, userId, username, likedAt: world.now() });
      await handle(userFollowed, {
        ...{ followerId: userId, followerUsername: username, followeeId: ada.id },
        followedAt: world.now(),
      });
    }
  };
  const reading = reader();
  await Promise.all([0, 1, 2].map(writer));
  busy = false;
  await reading;
  const listed = await notifications.newest(ada.id, { before: undefined, limit: 100 });
  for (const { id, read, actorCount } of listed) if (read) expect(seenUpTo.get(id)).toBe(actorCount);
  for (const kind of ['like', 'follow']) {
    const counts = listed.filter((each) => each.kind === kind).map(({ actorCount }) => actorCount);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(world.people.length - 1);
  }
}, 60_000);

it('those who act at the same time are one notification, and everybody counts once', async () => {
  const world = new World(12, 1);
  const [post] = world.posts as [Post];
  const like = ({ id: userId, username }: Person) =>
    handle(postLiked, {
      ...{ postId: post.id, authorId: post.author.id, userId, username },
      likedAt: world.now(),
    });
  await Promise.all([...world.people, ...world.people].map(like));
  expect(await listOf(post.author)).toMatchObject({ seen: [{ kind: 'like', actorCount: 11 }], unread: 1 });
}, 60_000);
