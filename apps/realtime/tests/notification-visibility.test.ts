import type { Notification } from '@rostrum/contracts';
import { waitFor } from '@rostrum/testing';
import { Facts } from './facts';
import { RealtimeApp, type Instance, type Person } from './realtime-app';

let app: RealtimeApp;
let facts: Facts;
let here: Instance;
let ada: Person;
let grace: Person;
let linus: Person;

beforeAll(async () => {
  app = await RealtimeApp.create();
  facts = new Facts(app);
  [here] = await Promise.all([app.instance(), app.worker()]);
});
afterAll(() => app.stop());
beforeEach(async () => {
  [ada, grace, linus] = await Promise.all([app.person('ada'), app.person('grace'), app.person('linus')]);
});

const listOf = async (person: Person): Promise<Notification[]> =>
  (await here.send(person, 'GET /api/v1/realtime/notifications')).json.items;

async function told(person: Person): Promise<Notification[]> {
  await app.allHandled();
  return listOf(person);
}

describe('a post that somebody may not see', () => {
  it('is nothing that they are told of, whether it answers, quotes or names them', async () => {
    const post = facts.post(ada);
    const hidden = [facts.post(grace), facts.post(grace), facts.post(grace)] as const;
    for (const { id } of hidden) app.posts.hidden.add(`${ada.id} ${id}`);
    await facts.answer(hidden[0], 'replyTo', post, 'followers');
    await facts.answer(hidden[1], 'quoteOf', post);
    await facts.mention(ada.id, hidden[2]);
    const seen = await facts.answer(linus, 'replyTo', post, 'followers');
    const items = await told(ada);
    expect(items.map(({ kind, newPostId }) => [kind, newPostId])).toEqual([['reply', seen.id]]);
    expect(items[0]?.actors.map(({ id }) => id)).toEqual([linus.id]);
  });

  it('waits until posts says whether it may be told', async () => {
    const post = facts.post(ada);
    app.posts.isDown = true;
    const reply = await facts.answer(grace, 'replyTo', post);
    await waitFor(() => app.posts.refused > 0, { what: 'a question that is not answered' });
    expect(await listOf(ada)).toEqual([]);
    app.posts.isDown = false;
    const items = await told(ada);
    expect(items.map(({ kind, newPostId }) => [kind, newPostId])).toEqual([['reply', reply.id]]);
  });
});
