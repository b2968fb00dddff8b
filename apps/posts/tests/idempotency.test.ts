import { randomUUID } from 'node:crypto';
import { postsRoutes } from '@rostrum/contracts';
import { withClient } from '@rostrum/data-access';
import { waitFor } from '@rostrum/testing';
import { PostsApp, type Answer, type Caller } from './posts-app';

let app: PostsApp;
let ada: Caller;

beforeAll(async () => {
  app = await PostsApp.start();
});
afterAll(() => app.stop());
beforeEach(async () => {
  ada = await app.person('ada');
});

const publish = (caller: Caller, key: string, text = 'Once') =>
  caller.send('POST', '/api/v1/posts', {
    headers: { 'idempotency-key': key },
    body: JSON.stringify({ text }),
  });

const postsOf = ({ id }: Caller) => app.rows('select id from posts.posts where author_id = $1', [id]);
const eventsOf = ({ id }: Caller) => app.rows('select id from posts.outbox where key = $1', [id]);
const keysOf = ({ id }: Caller) =>
  app.rows('select operation, key, status from posts.idempotency_keys where user_id = $1', [id]);

const isReplay = ({ headers }: Answer) => headers.get('idempotency-replayed') === 'true';
const requests = (result: string) => app.metric(`idempotency_requests_total{result="${result}"}`);

/** What an answer has of its own: all but what every answer is given anew. */
const partsOf = ({ status, headers, text }: Answer) => ({
  status,
  text,
  headers: ['location', 'etag', 'cache-control', 'content-type'].map((name) => headers.get(name)),
});

describe('a write that is repeated with its key', () => {
  it('is done once, and answered the same byte for byte', async () => {
    const key = randomUUID();
    const before = await requests('replayed');
    const first = await publish(ada, key);
    const second = await publish(ada, key);

    expect(first.status).toBe(201);
    expect(partsOf(second)).toEqual(partsOf(first));
    expect([isReplay(first), isReplay(second)]).toEqual([false, true]);
    expect(second.headers.get('x-request-id')).not.toBe(first.headers.get('x-request-id'));
    expect(await postsOf(ada)).toEqual([{ id: first.json.id }]);
    expect(await eventsOf(ada)).toHaveLength(1);
    expect(await keysOf(ada)).toEqual([{ operation: 'createPost', key, status: 201 }]);
    expect(await requests('replayed')).toBe(before + 1);
  });

  it('is done once by a hundred requests at once; each is answered with it or told to wait', async () => {
    const key = randomUUID();
    const answers = await Promise.all(Array.from({ length: 100 }, () => publish(ada, key)));

    expect(answers.filter((answer) => answer.status === 201 && !isReplay(answer))).toHaveLength(1);
    const [post, ...others] = await postsOf(ada);
    expect(others).toEqual([]);
    expect(await eventsOf(ada)).toHaveLength(1);
    for (const answer of answers) {
      if (answer.status === 201) expect(answer.json.id).toBe(post?.id);
      else expect([answer.status, answer.json.code]).toEqual([409, 'IDEMPOTENCY_KEY_IN_FLIGHT']);
    }
    expect((await publish(ada, key)).json.id).toBe(post?.id);
  });

  it('is the same request in whatever order its fields stand, and another one with other values', async () => {
    const key = randomUUID();
    await publish(ada, key);
    const spaced = await ada.send('POST', '/api/v1/posts', {
      headers: { 'idempotency-key': key },
      body: '{ "text" : "\\u004fnce" }',
    });
    expect([spaced.status, isReplay(spaced)]).toEqual([201, true]);

    const other = await publish(ada, key, 'Something else');
    expect([other.status, other.json.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
    expect(await postsOf(ada)).toHaveLength(1);
  });

  it('is known by all of its parameters, and by its route', async () => {
    const [grace, hedy] = [await app.person('grace'), await app.person('hedy')];
    await grace.post('Follow me');
    await hedy.post('Follow me');
    const headers = { 'idempotency-key': randomUUID() };
    const follow = (method: string, name: string) =>
      ada.send(method, `/api/v1/users/${name}/follow`, { headers });
    expect((await follow('PUT', grace.username)).status).toBe(204);
    expect((await follow('PUT', hedy.username)).status).toBe(422);
    const unfollowed = await follow('DELETE', grace.username);
    expect([unfollowed.status, isReplay(unfollowed)]).toEqual([204, false]);

    // The follow was done before; repeated, it is not done again.
    const repeated = await follow('PUT', grace.username);
    expect([repeated.status, repeated.text, isReplay(repeated)]).toEqual([204, '', true]);
    expect((await grace.get(`/api/v1/users/${grace.username}`)).json.followers).toBe(0);
  });

  it("knows nothing of another person's key", async () => {
    const key = randomUUID();
    const eve = await app.person('eve');
    const [mine, theirs] = [await publish(ada, key), await publish(eve, key, 'Mine')];
    expect([theirs.status, isReplay(theirs)]).toEqual([201, false]);
    expect(theirs.json.id).not.toBe(mine.json.id);
    expect(theirs.json.text).toBe('Mine');
  });

  it('is turned away while the first is under way, without waiting for it', async () => {
    const key = randomUUID();
    await ada.post('The author is known');
    await withClient(app.database.adminUrl, async (admin) => {
      await admin.query('begin; lock table posts.posts in exclusive mode');
      const first = publish(ada, key);
      await waitFor(async () => {
        const { rows } = await admin.query('select 1 from pg_locks where not granted');
        return rows.length > 0;
      });
      const second = await publish(ada, key);
      expect([second.status, second.json.code]).toEqual([409, 'IDEMPOTENCY_KEY_IN_FLIGHT']);
      expect(second.headers.get('retry-after')).toBe('1');
      await admin.query('rollback');
      expect((await first).status).toBe(201);
    });
    expect(isReplay(await publish(ada, key))).toBe(true);
  });
});

describe('a write that fails', () => {
  const refuseEvents = `create function posts.refuse() returns trigger language plpgsql as
      $$ begin raise exception 'no'; end $$;
    create trigger refuse before insert on posts.outbox execute function posts.refuse()`;

  it('leaves nothing of its key when its transaction is undone, and can be tried again', async () => {
    const key = randomUUID();
    await withClient(app.database.adminUrl, async (admin) => {
      await admin.query(refuseEvents);
      expect((await publish(ada, key)).status).toBe(500);
      await admin.query('drop function posts.refuse cascade');
    });
    expect([await postsOf(ada), await keysOf(ada)]).toEqual([[], []]);

    const again = await publish(ada, key);
    expect([again.status, isReplay(again)]).toEqual([201, false]);
  });

  it('leaves nothing when the key cannot be stored', async () => {
    const key = randomUUID();
    await withClient(app.database.adminUrl, async (admin) => {
      await admin.query(refuseEvents.replaceAll('posts.outbox', 'posts.idempotency_keys'));
      expect((await publish(ada, key)).status).toBe(500);
      await admin.query('drop function posts.refuse cascade');
    });
    expect([await postsOf(ada), await eventsOf(ada)]).toEqual([[], []]);
  });

  it('does not bind its key when it was refused', async () => {
    const key = randomUUID();
    expect((await publish(ada, key, '')).status).toBe(400);
    const path = `/api/v1/users/nobody_${randomUUID().slice(0, 8)}/follow`;
    expect((await ada.send('PUT', path, { headers: { 'idempotency-key': key } })).status).toBe(404);
    expect(await keysOf(ada)).toEqual([]);
    expect((await publish(ada, key)).status).toBe(201);
  });

  it.each([
    ['is empty', ''],
    ['is too long', 'k'.repeat(256)],
    ['has spaces', 'a key'],
    ['is not ASCII', 'cl\u00e9'],
  ])('is told so when its key %s', async (_what, key) => {
    const { status, json } = await publish(ada, key);
    expect([status, json.code]).toEqual([400, 'VALIDATION_FAILED']);
    expect(json.errors).toMatchObject([{ in: 'header', path: '/idempotency-key' }]);
    expect(await postsOf(ada)).toEqual([]);
  });

  it('may have a key of 255 characters', async () => {
    const key = `~!${'k'.repeat(253)}`;
    await publish(ada, key);
    expect(isReplay(await publish(ada, key))).toBe(true);
  });
});

describe('a key', () => {
  const expire = () =>
    app.rows(
      `update posts.idempotency_keys set expires_at = now() - interval '1 second' where user_id = $1
       returning key`,
      [ada.id],
    );

  it('is kept for a day', async () => {
    await publish(ada, randomUUID());
    const [row] = await app.rows<{ hours: number }>(
      `select round(extract(epoch from expires_at - now()) / 3600)::int as hours
         from posts.idempotency_keys where user_id = $1`,
      [ada.id],
    );
    expect(row).toEqual({ hours: 24 });
  });

  it('can be used for something else once it has expired, even where it has not been removed yet', async () => {
    const key = randomUUID();
    await publish(ada, key);
    await expire();
    const other = await publish(ada, key, 'Something else');
    expect([other.status, isReplay(other)]).toEqual([201, false]);
    expect((await publish(ada, key, 'Something else')).json.id).toBe(other.json.id);
    expect(await postsOf(ada)).toHaveLength(2);
  });

  it('is removed by the worker when it has expired, in batches, and no other is', async () => {
    const eve = await app.person('eve');
    await publish(eve, 'stays');
    await app.rows(
      `insert into posts.idempotency_keys (user_id, operation, key, fingerprint, status, headers, expires_at)
       select $1, 'createPost', n::text, '', 201, '{}', now() - interval '1 second'
         from generate_series(1, 2500) as n`,
      [ada.id],
    );
    await app.startWorker();
    await waitFor(async () => (await keysOf(ada)).length === 0);
    expect(await keysOf(eve)).toHaveLength(1);
    await waitFor(async () => (await app.metric('idempotency_keys_expired_total', app.workerOpsUrl)) >= 2500);
  });
});

describe('a write without a key', () => {
  it('is done each time, and nothing is kept of it', async () => {
    await ada.post('Twice');
    await ada.post('Twice');
    expect(await postsOf(ada)).toHaveLength(2);
    expect(await keysOf(ada)).toEqual([]);
  });
});

it('is taken by every write there is', () => {
  const writes = postsRoutes.filter(({ method }) => method !== 'get');
  expect(writes.filter((route) => !('idempotent' in route && route.idempotent))).toEqual([]);
});
