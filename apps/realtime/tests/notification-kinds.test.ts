import type { Notification } from '@rostrum/contracts';
import { waitFor } from '@rostrum/testing';
import type { Facts } from './facts';
import { NotificationScene } from './notification-scene';
import type { Instance, Person } from './realtime-app';

let scene: NotificationScene;
let facts: Facts;
let here: Instance;
let ada: Person;
let grace: Person;
let linus: Person;

beforeAll(async () => {
  scene = await NotificationScene.open();
  ({ facts, here } = scene);
});
afterAll(() => scene.close());
beforeEach(async () => {
  [ada, grace, linus] = await scene.people();
});

const names = ({ actors }: Notification) => actors.map(({ username }) => username);
describe('each kind', () => {
  it('is told with who did what to which post', async () => {
    const post = facts.post(ada);
    await facts.follow(grace, ada);
    await scene.app.allHandled();
    await facts.requestFollow(linus, ada);
    await scene.app.allHandled();
    await facts.like(grace, post);
    await scene.app.allHandled();
    const reply = await facts.answer(grace, 'replyTo', post);
    await scene.app.allHandled();
    const quote = await facts.answer(linus, 'quoteOf', post);
    await scene.app.allHandled();
    await facts.repost(linus, post);
    await scene.app.allHandled();
    const naming = facts.post(linus);
    await facts.mention(ada.id, naming);
    await scene.app.allHandled();
    await facts.hide(post, 'spam');
    const found = await scene.told(ada);
    expect(found.map((each) => [each.kind, names(each)[0], each.postId, each.newPostId])).toEqual([
      ['moderation', undefined, post.id, null],
      ['mention', linus.username, naming.id, null],
      ['repost', linus.username, post.id, null],
      ['quote', linus.username, post.id, quote.id],
      ['reply', grace.username, post.id, reply.id],
      ['like', grace.username, post.id, null],
      ['follow_request', linus.username, null, null],
      ['follow', grace.username, null, null],
    ]);
    expect(found[0]?.moderation).toEqual({ action: 'hidden', reason: 'spam' });
    expect(found.map(({ actorCount }) => actorCount)).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
    for (const { kind } of found) {
      await waitFor(async () => (await scene.worker.metric(`notifications_sent_total{kind="${kind}"}`)) > 0, {
        what: `a count of ${kind}`,
      });
    }
  });

  it('is nothing that you have done yourself', async () => {
    const post = facts.post(ada);
    await facts.like(ada, post);
    await facts.answer(ada, 'replyTo', post);
    await facts.mention(ada.id, post);
    await facts.repost(ada, post);
    expect(await scene.told(ada)).toEqual([]);
  });

  it('of one post you are told once, also when it names you', async () => {
    const reply = await facts.answer(grace, 'replyTo', facts.post(ada));
    await scene.app.allHandled();
    await facts.mention(ada.id, reply);
    expect((await scene.told(ada)).map(({ kind }) => kind)).toEqual(['reply']);
  });

  it('a reply that only those may see whom it names is told of to them alone', async () => {
    const [secret, naming] = [facts.post(ada), facts.post(ada)];
    await facts.answer(grace, 'replyTo', secret, 'mentioned');
    const reply = await facts.answer(grace, 'replyTo', naming, 'mentioned');
    await facts.mention(ada.id, reply);
    expect((await scene.told(ada)).map(({ kind, postId }) => [kind, postId])).toEqual([
      ['mention', reply.id],
    ]);
  });

  it('a post that is hidden, restored and hidden again is told of each time', async () => {
    const post = facts.post(ada);
    await facts.hide(post, 'a');
    await facts.restore(post);
    await facts.hide(post, 'b');
    const actions = (await scene.told(ada)).map(({ moderation }) => [moderation?.action, moderation?.reason]);
    expect(actions).toEqual([
      ['hidden', 'b'],
      ['restored', null],
      ['hidden', 'a'],
    ]);
  });
});

describe('several people', () => {
  it('are one notification, newest first, and a count of them', async () => {
    const post = facts.post(ada);
    const fans = await Promise.all(Array.from({ length: 7 }, (_, i) => scene.app.person(`fan${i}`)));
    for (const fan of fans) await facts.like(fan, post);
    await facts.like(grace, facts.post(ada));
    const [other, liked, ...more] = await scene.told(ada);
    expect(more).toEqual([]);
    expect([liked?.actorCount, liked && names(liked)]).toEqual([
      7,
      fans
        .map(({ username }) => username)
        .reverse()
        .slice(0, 5),
    ]);
    expect(other?.actorCount).toBe(1);
    expect((await scene.listOf(ada)).unread).toBe(2);
  });

  it('who come after you have read it are a new one', async () => {
    const post = facts.post(ada);
    await facts.like(grace, post);
    const [first] = await scene.told(ada);
    expect((await scene.markRead(ada, { upTo: first?.position })).status).toBe(204);
    await facts.like(linus, post);
    expect((await scene.told(ada)).map((each) => [names(each)[0], each.read])).toEqual([
      [linus.username, false],
      [grace.username, true],
    ]);
  });

  it('who come a day later are a new one', async () => {
    const post = facts.post(ada);
    await facts.like(grace, post);
    await scene.told(ada);
    await scene.app.rows(
      `update realtime.notification_groups set created_at = now() - interval '25 hours' where recipient_id = $1`,
      [ada.id],
    );
    await facts.like(linus, post);
    expect((await scene.told(ada)).map(names)).toEqual([[linus.username], [grace.username]]);
  });

  it('one who replies twice is one person, in the place of the newer reply', async () => {
    const post = facts.post(ada);
    await facts.answer(grace, 'replyTo', post);
    await facts.answer(linus, 'replyTo', post);
    await scene.app.allHandled();
    const newest = await facts.answer(grace, 'replyTo', post);
    const [found] = await scene.told(ada);
    expect([found && names(found), found?.actorCount, found?.newPostId]).toEqual([
      [grace.username, linus.username],
      2,
      newest.id,
    ]);
  });
});

describe('what is taken back', () => {
  it('is told no more, and told nobody anew when it is done again', async () => {
    const post = facts.post(ada);
    const socket = await here.connect(ada);
    await facts.like(linus, post);
    await facts.like(grace, post);
    await facts.unlike(grace, post);
    expect((await scene.told(ada)).map(names)).toEqual([[linus.username]]);
    await facts.unlike(linus, post);
    await scene.app.allHandled();
    expect(await scene.listOf(ada)).toMatchObject({ items: [], unread: 0 });
    await facts.like(linus, post);
    expect((await scene.told(ada)).map(names)).toEqual([[linus.username]]);
    await facts.follow(grace, ada);
    await waitFor(() => socket.of('event').some(({ data }) => (data as Notification).kind === 'follow'));
    const liked = socket.of('event').filter(({ data }) => (data as Notification).kind === 'like');
    expect(liked.length).toBeLessThanOrEqual(2);
    await socket.close();
  });

  it('is a request to follow, when it has been withdrawn or granted', async () => {
    await facts.requestFollow(grace, ada);
    await facts.requestFollow(linus, ada);
    await facts.withdrawRequest(grace, ada);
    await facts.follow(linus, ada);
    expect((await scene.told(ada)).map((each) => [each.kind, names(each)])).toEqual([
      ['follow', [linus.username]],
    ]);
    await facts.unfollow(linus, ada);
    expect(await scene.told(ada)).toEqual([]);
  });

  it('is a reply or a post, when it is deleted', async () => {
    const post = facts.post(ada);
    const reply = await facts.answer(grace, 'replyTo', post);
    const kept = await facts.answer(linus, 'replyTo', post);
    await facts.mention(linus.id, reply);
    await scene.app.allHandled();
    expect(await scene.told(linus)).toHaveLength(1);
    await facts.delete(reply);
    const [found] = await scene.told(ada);
    expect([found && names(found), found?.newPostId]).toEqual([[linus.username], kept.id]);
    expect(await scene.told(linus)).toEqual([]);
    await facts.delete(post);
    expect(await scene.told(ada)).toEqual([]);
  });
});

describe('who is blocked or muted', () => {
  it('is heard of no more, from the moment of the block, either way', async () => {
    const [post, other] = [facts.post(ada), facts.post(grace)];
    await facts.like(grace, post);
    await facts.like(linus, post);
    await facts.like(ada, other);
    await scene.app.allHandled();
    await facts.block(ada, grace);
    expect((await scene.told(ada)).map(names)).toEqual([[linus.username]]);
    expect(await scene.told(grace)).toEqual([]);
    await facts.answer(grace, 'replyTo', post);
    await facts.answer(ada, 'replyTo', other);
    expect((await scene.told(ada)).map(names)).toEqual([[linus.username]]);
    expect(await scene.told(grace)).toEqual([]);
    await facts.unblock(ada, grace);
    await scene.app.allHandled();
    await facts.repost(grace, post);
    expect((await scene.told(ada)).map(({ kind }) => kind)).toEqual(['repost', 'like']);
  });

  it('and muted: one way only', async () => {
    await facts.mute(ada, grace);
    await scene.app.allHandled();
    await facts.like(grace, facts.post(ada));
    await facts.like(ada, facts.post(grace));
    expect(await scene.told(ada)).toEqual([]);
    expect(await scene.told(grace)).toHaveLength(1);
  });
});

describe('somebody who is gone', () => {
  it('is in no table any more, as whoever was told or who did it, and nothing brings them back', async () => {
    const post = facts.post(ada);
    await facts.like(grace, post);
    await facts.like(linus, post);
    await facts.like(ada, facts.post(grace));
    await facts.block(linus, grace);
    await here.send(grace, 'PATCH /api/v1/realtime/notifications/settings', { timeZone: 'Europe/Berlin' });
    await scene.app.allHandled();
    await facts.goodbye(grace);
    expect((await scene.told(ada)).map((each) => [names(each), each.actorCount])).toEqual([
      [[linus.username], 1],
    ]);
    await facts.like(ada, facts.post(grace));
    await facts.answer(grace, 'replyTo', post);
    await scene.app.allHandled();
    expect(await scene.listOf(grace)).toMatchObject({ items: [], unread: 0 });
    expect(await scene.told(ada)).toHaveLength(1);
    const tables = await scene.app.rows<{ name: string }>(
      `select table_name as name from information_schema.tables where table_schema = 'realtime'`,
    );
    const kept: string[] = [];
    for (const { name } of tables) {
      const found = await scene.app.rows(
        `select from realtime.${name} t where t::text like '%' || $1 || '%'`,
        [grace.id],
      );
      if (found.length > 0) kept.push(name);
    }
    // The id alone, so that what comes late is known to be of nobody.
    expect(kept).toEqual(['recipients']);
  });
});
