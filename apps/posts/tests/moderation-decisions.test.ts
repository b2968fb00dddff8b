import { randomUUID } from 'node:crypto';
import { moderationCase, moderationRecordRoute } from '@rostrum/contracts';
import { waitFor } from '@rostrum/testing';
import {
  claim,
  decide,
  eventsOf,
  logOf,
  outcome,
  queueOf,
  recordOf,
  release,
  report,
} from './moderation-desk';
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

describe('a claim', () => {
  it('keeps others from it until it is over, and can be renewed and left', async () => {
    const { id } = await ada.post('Whose is it?');
    expect(outcome(await claim(mod, id))).toEqual([409, 'NOTHING_TO_DECIDE']);
    await report(eve, id);
    const answer = await claim(mod, id);
    expect(moderationCase.parse(answer.json).claim?.moderator).toEqual({
      id: mod.id,
      username: mod.username,
    });
    expect((await scene.queued(id)).claim.moderator.id).toBe(mod.id);
    expect(outcome(await claim(other, id))).toEqual([409, 'CLAIMED']);
    expect(outcome(await decide(other, ['hide', id]))).toEqual([409, 'CLAIMED']);
    expect((await claim(mod, id)).status).toBe(200);

    expect((await release(other, id)).status).toBe(204);
    expect(outcome(await claim(other, id))).toEqual([409, 'CLAIMED']);
    expect((await release(mod, id)).status).toBe(204);
    expect((await claim(other, id)).status).toBe(200);
    await app.rows(`update posts.moderation_cases set claimed_until = now() where post_id = $1`, [id]);
    expect((await scene.queued(id)).claim).toBeNull();
    expect((await decide(mod, ['dismiss', id])).status).toBe(200);
    expect((await logOf(app, id)).map(({ kind, actor_id }) => [kind, actor_id === mod.id])).toEqual([
      ['claimed', true],
      ['claimed', true],
      ['released', true],
      ['claimed', false],
      ['dismissed', true],
    ]);
  });

  it('is one moderator’s where many want it at once', async () => {
    const { id } = await ada.post('Whose is it?');
    await report(eve, id);
    const all = await Promise.all(Array.from({ length: 6 }, (_, i) => app.moderator(`mod${i}`)));
    const answers = await Promise.all(all.map((each) => claim(each, id)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409, 409]);
  });
});

describe('a decision', () => {
  it('to hide takes the post from everybody at once, and to restore gives it back', async () => {
    const { id } = await ada.post('Rude #tag');
    await eve.follow(ada.username);
    const seenBy = async (caller: Caller) => {
      const inList = async (path: string) =>
        (await caller.get(path)).json.items.some((item: { id: string }) => item.id === id);
      return [
        (await caller.get(`/api/v1/posts/${id}`)).status,
        await inList('/api/v1/feed'),
        await inList(`/api/v1/users/${ada.username}/posts`),
        await inList('/api/v1/posts/tags/tag'),
      ];
    };
    const [there, away] = [
      [200, true, true, true],
      [404, false, false, false],
    ];
    expect(await seenBy(eve)).toEqual(there);
    const answer = await decide(mod, ['hide', id], 'It is rude');
    expect(answer.json).toMatchObject({ postId: id, state: 'hidden', claim: null });
    for (const caller of [eve, ada]) expect(await seenBy(caller)).toEqual(away);
    expect(outcome(await report(eve, id))).toEqual([404, 'NOT_FOUND']);
    expect(outcome(await decide(other, ['hide', id]))).toEqual([409, 'ALREADY_HIDDEN']);

    expect((await decide(mod, ['restore', id], 'It is not')).json.state).toBe('restored');
    for (const caller of [eve, ada]) expect(await seenBy(caller)).toEqual(there);
    expect(outcome(await decide(mod, ['restore', id]))).toEqual([409, 'NOT_HIDDEN']);
    expect((await eventsOf(app, id)).map(({ type, payload }) => [type, payload['reason']])).toEqual([
      ['post.hidden', 'It is rude'],
      ['post.restored', 'It is not'],
    ]);
  });

  it('to dismiss leaves it, and tells nobody; only a new reporter opens it again', async () => {
    const { id } = await ada.post('Harmless');
    await report(eve, id);
    expect((await decide(mod, ['dismiss', id])).json.state).toBe('dismissed');
    expect(await eventsOf(app, id)).toEqual([]);
    expect((await eve.get(`/api/v1/posts/${id}`)).status).toBe(200);
    expect(outcome(await decide(mod, ['dismiss', id]))).toEqual([409, 'NOTHING_REPORTED']);
    await report(eve, id);
    expect(await scene.queued(id)).toBeUndefined();
    await report(await app.member('grace'), id, { reason: 'hate' });
    expect((await scene.queued(id)).reports).toEqual({ count: 1, reasons: { hate: 1 } });
    const { reports } = (await recordOf(mod, id)).json;
    expect(reports.map(({ reason, current }: Record<string, unknown>) => [reason, current])).toEqual([
      ['hate', true],
      ['spam', false],
    ]);
  });

  it('is made once for a key, by one of two, and with a reason', async () => {
    const { id } = await ada.post('Twice');
    const key = { 'Idempotency-Key': randomUUID() };
    const first = await decide(mod, ['hide', id], 'Once', key);
    const again = await decide(mod, ['hide', id], 'Once', key);
    expect([again.status, again.json, again.headers.get('idempotency-replayed')]).toEqual([
      200,
      first.json,
      'true',
    ]);
    expect(await logOf(app, id)).toEqual([{ kind: 'hidden', actor_id: mod.id, reason: 'Once', version: 1 }]);
    for (const reason of ['', '  ', 'x'.repeat(501), 'a\u202eb'])
      expect(outcome(await decide(mod, ['restore', id], reason))).toEqual([400, 'VALIDATION_FAILED']);
  });

  it('is not for everybody, and not of what is not there', async () => {
    const { id } = await ada.post('Mine');
    for (const kind of ['hide', 'restore', 'dismiss', 'uphold'] as const)
      expect(outcome(await decide(eve, [kind, id]))).toEqual([403, 'FORBIDDEN']);
    expect(outcome(await queueOf(eve))).toEqual([403, 'FORBIDDEN']);
    expect(outcome(await recordOf(eve, id))).toEqual([403, 'FORBIDDEN']);
    const nothing = randomUUID();
    expect(outcome(await decide(mod, ['hide', nothing]))).toEqual([404, 'NOT_FOUND']);
    expect(outcome(await recordOf(mod, nothing))).toEqual([404, 'NOT_FOUND']);
    expect(outcome(await release(mod, nothing))).toEqual([404, 'NOT_FOUND']);
  });
});

describe('the record of a post', () => {
  it('has what it says and has said, who has reported which of it, and what moderators have done', async () => {
    const { id } = await ada.post('First');
    await report(eve, id, { reason: 'hate', note: 'Look' });
    const etag = (await ada.get(`/api/v1/posts/${id}`)).headers.get('etag') as string;
    await ada.write('PATCH', `/api/v1/posts/${id}`, { text: 'Second' }, { 'If-Match': etag });
    await claim(mod, id);
    await decide(mod, ['hide', id], 'The first version');
    const { status, json } = await recordOf(other, id);
    expect(status).toBe(200);
    const record = moderationRecordRoute.responses[200].schema.parse(json);
    expect(record.post).toMatchObject({ id, text: 'Second', version: 2 });
    expect(record.case?.state).toBe('hidden');
    expect(record.versions.map(({ version, text }) => [version, text])).toEqual([
      [2, 'Second'],
      [1, 'First'],
    ]);
    expect(record.reports).toMatchObject([
      { reporter: { id: eve.id, username: eve.username }, reason: 'hate', note: 'Look', version: 1 },
    ]);
    expect(record.log).toMatchObject([
      { kind: 'hidden', moderator: { id: mod.id }, reason: 'The first version', version: 2, appeal: null },
      { kind: 'claimed', moderator: { id: mod.id }, reason: null },
    ]);
  });

  it('stays when its author deletes it: what was written is gone for all, what was done is not', async () => {
    const { id } = await ada.post('Regret');
    await report(eve, id);
    await ada.write('DELETE', `/api/v1/posts/${id}`);
    expect(await scene.queued(id)).toBeUndefined();
    const { json } = await recordOf(mod, id);
    expect(json).toMatchObject({ post: { id, deleted: true }, versions: [], reports: [{ reason: 'spam' }] });
    for (const kind of ['hide', 'restore', 'dismiss', 'uphold'] as const)
      expect(outcome(await decide(mod, [kind, id]))).toEqual([410, 'POST_DELETED']);
    expect(outcome(await claim(mod, id))).toEqual([410, 'POST_DELETED']);
  });
});

it('what moderators have done outlives the post, which takes its reports along', async () => {
  const worker = await app.startWorker({ DELETED_POSTS_KEPT_SECONDS: '3600' });
  const { id } = await ada.post('Purge me');
  await report(eve, id);
  await decide(mod, ['dismiss', id]);
  await ada.write('DELETE', `/api/v1/posts/${id}`);
  await app.arrange(`update posts.posts set deleted_at = now() - interval '2 hours' where id = $1`, [id]);
  const rowsIn = (table: string) => app.rows(`select from posts.${table} where post_id = $1`, [id]);
  await waitFor(async () => (await rowsIn('post_reports')).length === 0, { what: 'the purge' });
  expect(await rowsIn('moderation_cases')).toEqual([]);
  expect(await logOf(app, id)).toHaveLength(1);
  await worker.stop('the test is over');
});
