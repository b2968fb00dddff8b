import { randomUUID } from 'node:crypto';
import { getPostModerationRoute, postAppeal } from '@rostrum/contracts';
import {
  appeal,
  claim,
  decide,
  eventsOf,
  outcome,
  queueOf,
  recordOf,
  report,
  toldOf,
  wholeQueue,
} from './moderation-desk';
import { ModerationScene } from './moderation-scene';
import type { Answer, Caller, PostsApp } from './posts-app';

let scene: ModerationScene;
let app: PostsApp;
let ada: Caller;
let eve: Caller;
let mod: Caller;
let other: Caller;

beforeAll(async () => {
  scene = await ModerationScene.open();
  ({ app, mod, other } = scene);
});
afterAll(() => scene.close());
beforeEach(async () => {
  [ada, eve] = await scene.people();
});

/** A post of ada's that mod has hidden. */
async function hiddenPost(): Promise<string> {
  const { id } = await ada.post('Was it so bad?');
  await report(eve, id, { reason: 'hate', note: 'Ask eve' });
  expect((await decide(mod, ['hide', id], 'It is hateful')).status).toBe(200);
  return id;
}

const told = ({ status, json }: Answer) => {
  expect(status).toBe(200);
  return getPostModerationRoute.responses[200].schema.parse(json);
};

const isShown = async (id: string) => (await eve.get(`/api/v1/posts/${id}`)).status === 200;

describe('the author of a hidden post', () => {
  it('reads it and why it is hidden, not who has reported or decided; nobody else does', async () => {
    const id = await hiddenPost();
    const answer = await toldOf(ada, id);
    expect(told(answer)).toMatchObject({
      post: { id, text: 'Was it so bad?' },
      hidden: true,
      decisions: [{ kind: 'hidden', reason: 'It is hateful', appeal: null }],
    });
    for (const secret of [eve.id, eve.username, mod.id, mod.username, 'Ask eve'])
      expect(answer.text).not.toContain(secret);
    for (const caller of [eve, mod]) expect(outcome(await toldOf(caller, id))).toEqual([404, 'NOT_FOUND']);
    expect(outcome(await toldOf(ada, randomUUID()))).toEqual([404, 'NOT_FOUND']);
  });

  it('does not learn of reports that were dismissed', async () => {
    const { id } = await ada.post('Harmless');
    await report(eve, id);
    await claim(mod, id);
    await decide(mod, ['dismiss', id]);
    expect(told(await toldOf(ada, id))).toMatchObject({ hidden: false, decisions: [] });
  });

  it('can delete it; then there is nothing to read, appeal or restore', async () => {
    const id = await hiddenPost();
    await appeal(ada, id);
    expect((await ada.write('DELETE', `/api/v1/posts/${id}`)).status).toBe(204);
    const answers = [await toldOf(ada, id), await appeal(ada, id), await decide(other, ['restore', id])];
    expect(answers.map(outcome)).toEqual(Array(3).fill([410, 'POST_DELETED']));
    expect((await wholeQueue(other, 'appealed')).map(({ post }) => post.id)).not.toContain(id);
  });
});

describe('an appeal', () => {
  it('is made once for each decision, by the author alone, of what is hidden', async () => {
    const { id: shown } = await ada.post('Not hidden');
    expect(outcome(await appeal(ada, shown))).toEqual([409, 'NOT_HIDDEN']);
    const id = await hiddenPost();
    expect(outcome(await appeal(eve, id))).toEqual([404, 'NOT_FOUND']);
    const key = { 'Idempotency-Key': randomUUID() };
    const first = await appeal(ada, id, 'It is a quote', key);
    expect(first.status).toBe(201);
    expect(postAppeal.parse(first.json)).toMatchObject({ text: 'It is a quote', state: 'waiting' });
    expect((await appeal(ada, id, 'It is a quote', key)).json).toEqual(first.json);
    expect(outcome(await appeal(ada, id, 'Please'))).toEqual([409, 'ALREADY_APPEALED']);
    expect(told(await toldOf(ada, id)).decisions[0]?.appeal).toEqual(first.json);
  });

  it.each([
    ['nothing', ''],
    ['too much', 'x'.repeat(1001)],
    ['controls', 'a\u0007b'],
  ])('is refused with %s', async (_, text) => {
    const id = await hiddenPost();
    expect(outcome(await appeal(ada, id, text))).toEqual([400, 'VALIDATION_FAILED']);
  });

  it('is decided by another moderator than the one who hid the post', async () => {
    const id = await hiddenPost();
    await appeal(ada, id, 'Look again');
    const found = (await wholeQueue(other, 'appealed')).find(({ post }) => post.id === id);
    expect(found).toMatchObject({
      state: 'appealed',
      appeal: { text: 'Look again' },
      reports: { count: 1, reasons: { hate: 1 } },
    });
    for (const kind of ['restore', 'uphold'] as const)
      expect(outcome(await decide(mod, [kind, id]))).toEqual([409, 'OWN_DECISION']);
    // Nor may they keep others from it.
    expect(outcome(await claim(mod, id))).toEqual([409, 'OWN_DECISION']);
    expect((await claim(other, id)).status).toBe(200);
    expect(await isShown(id)).toBe(false);
    expect((await decide(other, ['restore', id], 'It was a quote')).json.state).toBe('restored');
    expect(await isShown(id)).toBe(true);
    expect(told(await toldOf(ada, id))).toMatchObject({
      hidden: false,
      decisions: [
        { kind: 'restored', reason: 'It was a quote', appeal: null },
        { kind: 'hidden', appeal: { state: 'granted' } },
      ],
    });
    const events = await eventsOf(app, id);
    expect(events.map(({ type }) => type)).toEqual(['post.hidden', 'post.restored']);
    expect(events[1]?.payload).toMatchObject({ authorId: ada.id, reason: 'It was a quote' });
  });

  it('may be refused: the post stays hidden, its author is told, and it is not appealed against again', async () => {
    const id = await hiddenPost();
    expect(outcome(await decide(other, ['uphold', id]))).toEqual([409, 'NOT_APPEALED']);
    await appeal(ada, id);
    expect((await decide(other, ['uphold', id], 'It stays')).json.state).toBe('hidden');
    expect(await isShown(id)).toBe(false);
    expect(told(await toldOf(ada, id)).decisions).toMatchObject([
      { kind: 'upheld', reason: 'It stays' },
      { kind: 'hidden', appeal: { state: 'upheld' } },
    ]);
    expect(outcome(await appeal(ada, id))).toEqual([409, 'ALREADY_APPEALED']);
    expect((await eventsOf(app, id)).map(({ type }) => type)).toEqual(['post.hidden', 'post.hidingUpheld']);
    // Whoever has hidden it may still think better of it.
    expect((await decide(mod, ['restore', id], 'I was wrong')).status).toBe(200);
    expect(told(await toldOf(ada, id)).decisions.at(-1)?.appeal?.state).toBe('upheld');
  });

  it('may be made again when the post is hidden again', async () => {
    const id = await hiddenPost();
    await appeal(ada, id, 'One');
    await decide(other, ['restore', id]);
    await decide(other, ['hide', id], 'On second thoughts');
    expect((await appeal(ada, id, 'Two')).status).toBe(201);
    const { decisions } = told(await toldOf(ada, id));
    expect(decisions.map(({ kind, appeal: made }) => [kind, made?.text, made?.state])).toEqual([
      ['hidden', 'Two', 'waiting'],
      ['restored', undefined, undefined],
      ['hidden', 'One', 'granted'],
    ]);
    expect(outcome(await decide(other, ['uphold', id]))).toEqual([409, 'OWN_DECISION']);
    const { log } = (await recordOf(mod, id)).json;
    expect(log.map(({ appeal: made }: { appeal: { text: string } | null }) => made?.text)).toEqual([
      'Two',
      undefined,
      'One',
    ]);
  });

  it('waits in a place of its own in the queue', async () => {
    const id = await hiddenPost();
    const has = async (state: string) => (await wholeQueue(other, state)).some(({ post }) => post.id === id);
    expect([await has('hidden'), await has('appealed'), await has('open')]).toEqual([true, false, false]);
    await appeal(ada, id);
    expect([await has('hidden'), await has('appealed'), await has('open')]).toEqual([false, true, false]);
    expect((await claim(await app.moderator('third'), id)).status).toBe(200);
    expect(outcome(await decide(other, ['uphold', id]))).toEqual([409, 'CLAIMED']);
    expect((await queueOf(ada)).status).toBe(403);
  });
});
