import { draft as draftSchema, post as postSchema } from '@rostrum/contracts';
import { waitFor } from '@rostrum/testing';
import { PostsApp, type Caller } from './posts-app';

const drafts = '/api/v1/posts/drafts';

let app: PostsApp;
let ada: Caller;
let eve: Caller;

beforeAll(async () => {
  app = await PostsApp.start();
});
afterAll(() => app.stop());
beforeEach(async () => {
  [ada, eve] = await Promise.all([app.member('ada'), app.member('eve')]);
});

async function keep(caller: Caller, body: object) {
  const { status, json, text } = await caller.write('POST', drafts, body);
  if (status !== 201) throw new Error(`The draft was answered ${status} ${text}`);
  return draftSchema.parse(json);
}

const postsOf = (caller: Caller) =>
  app.rows<{ text: string; visibility: string; reply_to: string | null }>(
    'select text, visibility, reply_to from posts.posts where author_id = $1 order by id',
    [caller.id],
  );

const draftsOf = (caller: Caller) =>
  app.rows('select text, failure, publish_at from posts.drafts where author_id = $1', [caller.id]);

const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString();

describe('a draft', () => {
  it('is kept, read, replaced and deleted by its author', async () => {
    const created = await ada.write('POST', drafts, { text: 'Almost', visibility: 'followers' });
    const { id } = created.json;
    expect(created.headers.get('location')).toBe(`${drafts}/${id}`);
    expect(created.json).toMatchObject({
      text: 'Almost',
      visibility: 'followers',
      publishAt: null,
      version: 1,
    });
    expect((await ada.get(`${drafts}/${id}`)).json).toEqual(created.json);

    const etag = created.headers.get('etag') as string;
    const publishAt = inAnHour();
    const replaced = await ada.write(
      'PUT',
      `${drafts}/${id}`,
      { text: 'Better', publishAt },
      { 'If-Match': etag },
    );
    expect(replaced.json).toMatchObject({ id, text: 'Better', visibility: null, publishAt, version: 2 });
    const late = await ada.write('PUT', `${drafts}/${id}`, { text: 'Worse' }, { 'If-Match': etag });
    expect([late.status, late.json.code]).toEqual([412, 'PRECONDITION_FAILED']);

    for (let i = 0; i < 2; i += 1) expect((await ada.write('DELETE', `${drafts}/${id}`)).status).toBe(204);
    expect((await ada.get(`${drafts}/${id}`)).status).toBe(404);
    expect(await postsOf(ada)).toEqual([]);
  });

  it('is nobody else’s to see or to touch', async () => {
    const { id } = await keep(ada, { text: 'Secret' });
    expect((await eve.get(`${drafts}/${id}`)).status).toBe(404);
    expect((await eve.write('PUT', `${drafts}/${id}`, { text: 'Mine' })).status).toBe(404);
    expect((await eve.write('POST', `${drafts}/${id}/publish`)).status).toBe(404);
    expect((await eve.write('DELETE', `${drafts}/${id}`)).status).toBe(204);
    expect((await eve.get(drafts)).json.items).toEqual([]);
    expect((await ada.get(`/api/v1/posts/${id}`)).status).toBe(404);
    expect((await ada.get(`${drafts}/${id}`)).json.text).toBe('Secret');
  });

  it('is listed in pages, newest first', async () => {
    for (let i = 0; i < 5; i += 1) await keep(ada, { text: `${i}` });
    const first = await ada.get(`${drafts}?limit=3`);
    const second = await ada.get(`${drafts}?limit=3&cursor=${first.json.nextCursor}`);
    const texts = [...first.json.items, ...second.json.items].map(({ text }: { text: string }) => text);
    expect(texts).toEqual(['4', '3', '2', '1', '0']);
    expect(second.json.nextCursor).toBeNull();
    expect((await eve.get(`${drafts}?cursor=${first.json.nextCursor}`)).json.code).toBe('INVALID_CURSOR');
  });

  it('is one of a hundred at most', async () => {
    await app.rows(
      `insert into posts.drafts (id, author_id, text) select gen_random_uuid(), $1, 'x' from generate_series(1, 99)`,
      [ada.id],
    );
    await keep(ada, { text: 'The last' });
    const { status, json } = await ada.write('POST', drafts, { text: 'One more' });
    expect([status, json.code]).toEqual([409, 'TOO_MANY_DRAFTS']);
  });

  it.each([
    ['no text', {}, 'VALIDATION_FAILED'],
    ['an unknown field', { text: 'a', failure: 'x' }, 'VALIDATION_FAILED'],
    ['a time that is none', { text: 'a', publishAt: 'tomorrow' }, 'VALIDATION_FAILED'],
    ['a time that is over', { text: 'a', publishAt: '2020-01-01T00:00:00Z' }, 'PUBLISH_AT_OUT_OF_RANGE'],
    ['a time that is far away', { text: 'a', publishAt: '2999-01-01T00:00:00Z' }, 'PUBLISH_AT_OUT_OF_RANGE'],
  ])('may not have %s', async (_what, body, code) => {
    const { id } = await keep(ada, { text: 'Kept' });
    for (const [method, path] of [
      ['POST', drafts],
      ['PUT', `${drafts}/${id}`],
    ] as const) {
      const { status, json } = await ada.write(method, path, body);
      expect([method, status, json.code]).toEqual([method, 400, code]);
    }
  });
});

describe('POST /api/v1/posts/drafts/:id/publish', () => {
  it('publishes the post that the draft describes, and the draft is gone', async () => {
    const root = await eve.post('root');
    const { id } = await keep(ada, { text: `@${eve.username} yes`, replyTo: root.id, visibility: 'public' });
    const { status, json, headers } = await ada.write('POST', `${drafts}/${id}/publish`);
    expect(status).toBe(201);
    expect(postSchema.parse(json)).toMatchObject({
      replyTo: root.id,
      rootId: root.id,
      author: { id: ada.id },
    });
    expect(json.facets).toHaveLength(1);
    expect((await eve.get(headers.get('location') as string)).json).toEqual(json);
    expect((await eve.get(`/api/v1/posts/${root.id}`)).json.counts.replies).toBe(1);
    expect((await ada.get(`${drafts}/${id}`)).status).toBe(404);
  });

  it('publishes it once, however many ask at once', async () => {
    const { id } = await keep(ada, { text: 'Once' });
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => ada.write('POST', `${drafts}/${id}/publish`)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(9).fill(404)]);
    expect(await postsOf(ada)).toHaveLength(1);
  });

  it('is answered the same when it is repeated with its key', async () => {
    const { id } = await keep(ada, { text: 'Keyed' });
    const send = () => ada.write('POST', `${drafts}/${id}/publish`, undefined, { 'Idempotency-Key': 'k' });
    const first = await send();
    expect((await send()).json).toEqual(first.json);
    expect(await postsOf(ada)).toHaveLength(1);
  });

  it('keeps the draft where what it answers is not there', async () => {
    const { id } = await keep(ada, { text: 'a', replyTo: crypto.randomUUID() });
    const { status, json } = await ada.write('POST', `${drafts}/${id}/publish`);
    expect([status, json.code]).toEqual([422, 'REPLY_TO_NOT_FOUND']);
    expect((await ada.get(`${drafts}/${id}`)).status).toBe(200);
  });
});

describe('a scheduled post', () => {
  /** Its time comes now: nobody waits an hour. */
  const comes = (caller: Caller) =>
    app.rows('update posts.drafts set publish_at = now(), due_at = now() where author_id = $1', [caller.id]);

  const published = (caller: Caller, count: number) =>
    waitFor(async () => (await postsOf(caller)).length >= count && (await draftsOf(caller)).length === 0);

  it('is published at its time, and not before, once, by however many workers', async () => {
    const root = await eve.post('root');
    const later = await keep(ada, { text: 'Not yet', publishAt: inAnHour() });
    for (let i = 0; i < 30; i += 1)
      await keep(eve, { text: `${i}`, replyTo: root.id, publishAt: inAnHour() });
    await comes(eve);
    const workers = [await app.startWorker(), await app.startWorker()];
    await published(eve, 31);
    for (const worker of workers) await worker.stop('test');

    const texts = (await postsOf(eve)).map(({ text }) => text);
    expect(texts.sort()).toEqual(['root', ...Array.from({ length: 30 }, (_, i) => `${i}`)].sort());
    expect((await ada.get(`/api/v1/posts/${root.id}`)).json.counts.replies).toBe(30);
    expect(await postsOf(ada)).toEqual([]);
    expect((await ada.get(`${drafts}/${later.id}`)).json).toEqual(later);
  });

  it('stays with its author, who is told why, where it cannot be published', async () => {
    await keep(ada, { text: 'Too late', replyTo: crypto.randomUUID(), publishAt: inAnHour() });
    await comes(ada);
    const worker = await app.startWorker();
    const item = await waitFor(async () => {
      const { json } = await ada.get(drafts);
      return json.items[0].failure !== null && json.items[0];
    });
    expect(item).toMatchObject({ text: 'Too late', publishAt: null, failure: 'REPLY_TO_NOT_FOUND' });
    const refused = () => app.metric('scheduled_posts_total{result="refused"}', app.workerOpsUrl);
    await waitFor(async () => (await refused()) === 1, { what: 'a count of it' });
    await worker.stop('test');
  });

  it('is published once where the worker loses its connection in the middle, and the next one goes on', async () => {
    await keep(ada, { text: 'Survives', publishAt: inAnHour() });
    await comes(ada);
    await app.rows(`create function posts.crash() returns trigger language plpgsql security definer as
      $$ begin perform pg_terminate_backend(pg_backend_pid()); return new; end $$`);
    await app.rows(
      'create trigger crash after insert on posts.posts for each row execute function posts.crash()',
    );
    const worker = await app.startWorker();
    await waitFor(
      async () => (await app.metric('scheduled_posts_total{result="failed"}', app.workerOpsUrl)) >= 1,
    );
    await worker.stop('test');
    expect(await postsOf(ada)).toEqual([]);
    expect(await draftsOf(ada)).toHaveLength(1);

    await app.rows('drop function posts.crash cascade');
    await comes(ada);
    const next = await app.startWorker();
    await published(ada, 1);
    await next.stop('test');
    expect(await postsOf(ada)).toEqual([{ text: 'Survives', visibility: 'public', reply_to: null }]);
  });

  it('is not published for somebody who is suspended', async () => {
    await keep(ada, { text: 'Never', publishAt: inAnHour() });
    await comes(ada);
    await app.arrange('update posts.profiles set suspended_at = now() where user_id = $1', [ada.id]);
    const worker = await app.startWorker();
    await waitFor(async () => (await draftsOf(ada))[0]?.failure === 'ACCOUNT_GONE');
    await worker.stop('test');
    expect(await postsOf(ada)).toEqual([]);
  });
});
