import { waitFor } from '@rostrum/testing';
import type { Facts } from './facts';
import { NotificationScene } from './notification-scene';
import type { Person } from './realtime-app';

let scene: NotificationScene;
let facts: Facts;
let ada: Person;
let grace: Person;
let linus: Person;

beforeAll(async () => {
  scene = await NotificationScene.open();
  ({ facts } = scene);
});
afterAll(() => scene.close());
beforeEach(async () => {
  [ada, grace, linus] = await scene.people();
});

const itemsOf = async (person: Person) => (await scene.listOf(person)).items;

describe('a post that somebody may not see', () => {
  it('is nothing that they are told of, whether it answers, quotes or names them', async () => {
    const post = facts.post(ada);
    const hidden = [facts.post(grace), facts.post(grace), facts.post(grace)] as const;
    for (const { id } of hidden) scene.app.posts.hidden.add(`${ada.id} ${id}`);
    await facts.answer(hidden[0], 'replyTo', post, 'followers');
    await facts.answer(hidden[1], 'quoteOf', post);
    await facts.mention(ada.id, hidden[2]);
    const seen = await facts.answer(linus, 'replyTo', post, 'followers');
    const items = await scene.told(ada);
    expect(items.map(({ kind, newPostId }) => [kind, newPostId])).toEqual([['reply', seen.id]]);
    expect(items[0]?.actors.map(({ id }) => id)).toEqual([linus.id]);
  });

  it('waits until posts says whether it may be told', async () => {
    const post = facts.post(ada);
    scene.app.posts.isDown = true;
    const reply = await facts.answer(grace, 'replyTo', post);
    await waitFor(() => scene.app.posts.refused > 0, { what: 'a question that is not answered' });
    expect(await itemsOf(ada)).toEqual([]);
    scene.app.posts.isDown = false;
    const items = await scene.told(ada);
    expect(items.map(({ kind, newPostId }) => [kind, newPostId])).toEqual([['reply', reply.id]]);
  });
});
