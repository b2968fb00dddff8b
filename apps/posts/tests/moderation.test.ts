import { randomUUID } from 'node:crypto';
import { moderationQueueRoute, postReport } from '@rostrum/contracts';
import { claim, decide, outcome, queueOf, recordOf, report, wholeQueue } from './moderation-desk';
import { ModerationScene } from './moderation-scene';
import type { Caller, PostsApp } from './posts-app';

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

describe('a report', () => {
  it('is made once by each person: the same again is answered the same, whatever it says', async () => {
    const { id } = await ada.post('Buy now');
    const first = await report(eve, id, { reason: 'spam', note: 'The third time 🙄' });
    expect(first.status).toBe(201);
    expect(postReport.parse(first.json)).toMatchObject({
      postId: id,
      reason: 'spam',
      note: 'The third time 🙄',
    });
    const again = await report(eve, id, { reason: 'hate' });
    expect([again.status, again.json]).toEqual([201, first.json]);
    const rows = await app.rows('select reason from posts.post_reports where post_id = $1', [id]);
    expect(rows).toEqual([{ reason: 'spam' }]);
    expect(await app.metric('posts_reported_total{reason="spam"}')).toBeGreaterThan(0);
  });

  it('is one where a hundred come at once, with a key and without', async () => {
    const { id } = await ada.post('Buy now');
    const key = { 'Idempotency-Key': randomUUID() };
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) => report(eve, id, { reason: 'spam' }, i % 2 ? key : {})),
    );
    const made = answers.filter(({ status }) => status === 201);
    expect(new Set(made.map(({ json }) => json.id)).size).toBe(1);
    // Under one key they do not wait for each other.
    expect(answers.filter(({ status }) => status !== 201).map(({ json }) => json.code)).toEqual(
      Array(100 - made.length).fill('IDEMPOTENCY_KEY_IN_FLIGHT'),
    );
    expect(await app.rows('select from posts.post_reports where post_id = $1', [id])).toHaveLength(1);
    const repeated = await report(eve, id, { reason: 'hate' }, key);
    expect(outcome(repeated)).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
  });

  it('is not of what one does not see, has deleted, or has written', async () => {
    const { id: own } = await eve.post('Mine');
    const { id: secret } = await ada.post('For followers', { visibility: 'followers' });
    const { id: gone } = await ada.post('Gone');
    await ada.write('DELETE', `/api/v1/posts/${gone}`);
    const tries = [own, secret, gone, randomUUID()];
    const answers = [];
    for (const id of tries) answers.push(outcome(await report(eve, id)));
    expect(answers).toEqual([
      [409, 'OWN_POST'],
      [404, 'NOT_FOUND'],
      [410, 'POST_DELETED'],
      [404, 'NOT_FOUND'],
    ]);
    expect(await app.rows('select from posts.post_reports where reporter_id = $1', [eve.id])).toEqual([]);
  });

  it.each([
    ['no reason', {}],
    ['an unknown reason', { reason: 'boring' }],
    ['an empty note', { reason: 'spam', note: ' ' }],
    ['a note too long', { reason: 'spam', note: 'x'.repeat(501) }],
    ['a note with controls', { reason: 'spam', note: 'a\u0000b' }],
    ['a note that is no text', { reason: 'spam', note: 1 }],
    ['an unknown field', { reason: 'spam', anonymous: true }],
  ])('is refused with %s', async (_, body) => {
    const { id } = await ada.post('A post');
    expect(outcome(await report(eve, id, body))).toEqual([400, 'VALIDATION_FAILED']);
    expect(outcome(await report(eve, 'x'))).toEqual([400, 'VALIDATION_FAILED']);
  });
});

describe('the queue', () => {
  it('has each reported post once, longest waiting first, with the reasons counted', async () => {
    const ids = [(await ada.post('One')).id, (await ada.post('Two')).id, (await ada.post('Three')).id];
    const reasons = ['spam', 'spam', 'hate'];
    for (const id of ids) {
      for (const reason of reasons) await report(await app.member('reporter'), id, { reason });
    }
    await report(eve, ids[0], { reason: 'other' });
    const all = await wholeQueue(mod, 'open');
    const mine = all.filter(({ post }) => ids.includes(post.id));
    expect(mine.map(({ post }) => post.id)).toEqual(ids);
    expect(mine.map(({ reports }) => reports)).toEqual([
      { count: 4, reasons: { spam: 2, hate: 1, other: 1 } },
      { count: 3, reasons: { spam: 2, hate: 1 } },
      { count: 3, reasons: { spam: 2, hate: 1 } },
    ]);
    expect(mine[0]).toMatchObject({ state: 'open', claim: null, appeal: null, post: { text: 'One' } });
    // Nobody who has reported is in it.
    expect(JSON.stringify(mine)).not.toContain(eve.id);
    moderationQueueRoute.responses[200].schema.parse((await queueOf(mod)).json);
  });

  it('comes in pages that meet, while posts come and go', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 7; i += 1) {
      const { id } = await ada.post(`Page ${i}`);
      await report(eve, id);
      ids.push(id);
    }
    const seen: string[] = [];
    let cursor = '';
    for (let page = 0; cursor !== '' || page === 0; page += 1) {
      const { status, json, headers } = await queueOf(mod, `?limit=2${cursor && `&cursor=${cursor}`}`);
      expect(status).toBe(200);
      seen.push(...json.items.map(({ post }: { post: { id: string } }) => post.id));
      cursor = json.nextCursor ?? '';
      expect(headers.get('link')).toBe(
        cursor ? `<${moderationQueueRoute.path}?state=open&cursor=${cursor}&limit=2>; rel="next"` : null,
      );
      const [first] = ids;
      if (page === 0) await decide(mod, ['dismiss', first as string]);
      if (page === 1) await ada.write('DELETE', `/api/v1/posts/${ids[6]}`);
    }
    expect(new Set(seen).size).toBe(seen.length);
    const shown = seen.filter((id) => ids.includes(id));
    expect(shown.filter((id) => id !== ids[0])).toEqual(ids.slice(1, 6));
  });

  it('has no posts of one’s own, nor does their record open', async () => {
    const author = await app.moderator('author');
    const { id } = await author.post('By a moderator');
    await report(eve, id, { reason: 'hate', note: 'I know who you are' });
    expect(await scene.queued(id)).toBeDefined();
    expect(await scene.queued(id, 'open', author)).toBeUndefined();
    expect(outcome(await recordOf(author, id))).toEqual([409, 'OWN_POST']);
    for (const kind of ['hide', 'dismiss', 'restore', 'uphold'] as const)
      expect(outcome(await decide(author, [kind, id]))).toEqual([409, 'OWN_POST']);
    expect(outcome(await claim(author, id))).toEqual([409, 'OWN_POST']);
  });

  it('refuses a cursor of another state or person, and a state that there is not', async () => {
    for (const text of ['One', 'Two']) await report(eve, (await ada.post(text)).id);
    const { nextCursor } = (await queueOf(mod, '?limit=1')).json;
    for (const [moderator, query] of [
      [mod, `?state=hidden&cursor=${nextCursor}`],
      [other, `?cursor=${nextCursor}`],
    ] as const)
      expect(outcome(await queueOf(moderator, query))).toEqual([400, 'INVALID_CURSOR']);
    expect(outcome(await queueOf(mod, '?state=lost'))).toEqual([400, 'VALIDATION_FAILED']);
  });

  it('is measured: how much waits, and for how long', async () => {
    const worker = await app.startWorker();
    const metric = (name: string) => app.metric(name, app.workerOpsUrl);
    const [posts, reports] = [
      await metric('moderation_posts_waiting{state="open"}'),
      await metric('moderation_open_reports'),
    ];
    const { id } = await ada.post('Count me');
    for (const name of ['one', 'two']) await report(await app.member(name), id);
    await app.rows(`update posts.moderation_cases set since = now() - interval '1 hour' where post_id = $1`, [
      id,
    ]);
    expect(await metric('moderation_posts_waiting{state="open"}')).toBe(posts + 1);
    expect(await metric('moderation_open_reports')).toBe(reports + 2);
    expect(await metric('moderation_oldest_seconds{state="open"}')).toBeGreaterThanOrEqual(3600);
    const decided = await app.metric('moderation_decisions_total{kind="dismiss"}');
    await decide(mod, ['dismiss', id]);
    expect(await metric('moderation_open_reports')).toBe(reports);
    expect(await app.metric('moderation_decisions_total{kind="dismiss"}')).toBe(decided + 1);
    await worker.stop('the test is over');
  });
});
