import { notification as notificationSchema, type Notification } from '@rostrum/contracts';
import { waitFor } from '@rostrum/testing';
import type { Facts, TestPost } from './facts';
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

const kindsOf = (items: readonly Notification[]) => items.map(({ kind }) => kind);

describe('what moderators decide', () => {
  it('is told to the author over the socket and in the list, each time, with its reason and nobody’s name', async () => {
    const post = facts.post(ada);
    const socket = await here.connect(ada);
    await facts.hide(post, 'It is rude');
    await facts.uphold(post, 'It still is');
    await facts.restore(post, 'It was a quote');
    const expected = [
      { action: 'hidden', reason: 'It is rude' },
      { action: 'upheld', reason: 'It still is' },
      { action: 'restored', reason: 'It was a quote' },
    ];
    await waitFor(() => socket.of('event').length === 3, { what: 'what was decided' });
    const live = socket.of('event').map(({ data }) => notificationSchema.parse(data));
    expect(live.map(({ kind, moderation }) => [kind, moderation])).toEqual(
      expected.map((moderation) => ['moderation', moderation]),
    );
    const listed = await scene.told(ada);
    expect(listed.map(({ moderation }) => moderation)).toEqual([...expected].reverse());
    for (const { actors, postId } of [...live, ...listed]) expect([actors, postId]).toEqual([[], post.id]);
    await socket.close();
  });

  it('to hide ends what comes of the post: its channel, and what others were told of it', async () => {
    const reply = await facts.answer(grace, 'replyTo', facts.post(ada));
    await facts.mention(linus.id, reply);
    expect([kindsOf(await scene.told(ada)), kindsOf(await scene.told(linus))]).toEqual([
      ['reply'],
      ['mention'],
    ]);
    const viewer = await here.connect(linus, { channels: [`post:${reply.id}`] });
    await facts.hide(reply);
    expect(await viewer.next('error')).toMatchObject({
      code: 'CHANNEL_NOT_FOUND',
      channel: `post:${reply.id}`,
    });
    expect([await scene.told(ada), await scene.told(linus)]).toEqual([[], []]);
    expect(kindsOf(await scene.told(grace))).toEqual(['moderation']);
    await viewer.close();
  });

  it('to restore gives that back, but to those who by then want to hear nothing of its author', async () => {
    const reply: TestPost = await facts.answer(grace, 'replyTo', facts.post(ada));
    await facts.mention(linus.id, reply);
    await facts.hide(reply);
    await facts.block(linus, grace);
    await facts.restore(reply);
    expect([kindsOf(await scene.told(ada)), await scene.told(linus)]).toEqual([['reply'], []]);
    await facts.delete(reply);
    expect([await scene.told(ada), await scene.told(grace)]).toEqual([[], []]);
  });
});
