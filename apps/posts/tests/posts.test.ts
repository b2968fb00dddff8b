import { post as postSchema, postCreated, problemSchema } from '@rostrum/contracts';
import { PostsApp, type Caller } from './posts-app';

let app: PostsApp;
let ada: Caller;

beforeAll(async () => {
  app = await PostsApp.start();
});
afterAll(() => app.stop());
beforeEach(async () => {
  ada = await app.person('ada');
});

const publish = (caller: Caller, body: unknown) =>
  caller.send('POST', '/api/v1/posts', { body: JSON.stringify(body) });

const outbox = () =>
  app.rows<{ type: string; version: number; key: string; payload: unknown; traceparent: string }>(
    'select type, version, key, payload, traceparent from posts.outbox where key = $1 order by position',
    [ada.id],
  );

describe('POST /api/v1/posts', () => {
  it('answers the post, where it is and which version it has', async () => {
    const { status, headers, json } = await publish(ada, { text: 'Good morning 🌅\n<b>all</b>' });

    expect(status).toBe(201);
    expect(postSchema.parse(json)).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
      author: { id: ada.id, username: ada.username },
      text: 'Good morning 🌅\n<b>all</b>',
      facets: [],
      media: [],
      visibility: 'public',
      replyTo: null,
      rootId: null,
      quoteOf: null,
      createdAt: expect.any(String),
      editedAt: null,
      version: 1,
      counts: { likes: 0, reposts: 0, replies: 0, quotes: 0 },
    });
    expect(headers.get('location')).toBe(`/api/v1/posts/${json.id}`);
    expect(headers.get('etag')).toMatch(/^"[^"]+"$/);
    expect(headers.get('cache-control')).toBe('private, no-cache');
    expect(Math.abs(Date.parse(json.createdAt) - Date.now())).toBeLessThan(10_000);
  });

  it('stores the post, its author and one event, together', async () => {
    const { json } = await publish(ada, { text: 'Stored' });

    expect(
      await app.rows('select id, text, version from posts.posts where author_id = $1', [ada.id]),
    ).toEqual([{ id: json.id, text: 'Stored', version: 1 }]);
    expect(await app.rows('select username from posts.profiles where user_id = $1', [ada.id])).toEqual([
      { username: ada.username },
    ]);
    const [event, ...more] = await outbox();
    expect(more).toEqual([]);
    expect(event).toMatchObject({ type: 'post.created', version: 1 });
    expect(postCreated.payload.parse(event?.payload)).toEqual({
      postId: json.id,
      authorId: ada.id,
      authorUsername: ada.username,
      createdAt: json.createdAt,
      visibility: 'public',
    });
  });

  it('sorts ids in the order of writing, also within a millisecond', async () => {
    const ids = [];
    for (let i = 0; i < 20; i += 1) ids.push((await ada.post(`Number ${i}`)).id);
    expect([...ids].sort()).toEqual(ids);
  });

  it('lets one author write many at once, with one profile', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => publish(ada, { text: `At once ${i}` })),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(201));
    expect(await app.rows('select 1 from posts.profiles where user_id = $1', [ada.id])).toHaveLength(1);
    expect(await outbox()).toHaveLength(20);
  });

  it('counts what has been published, and nothing else', async () => {
    const before = await app.metric('posts_created_total');
    await publish(ada, { text: 'Counted' });
    await publish(ada, { text: '' });
    expect(await app.metric('posts_created_total')).toBe(before + 1);
  });

  const tooLong = 'é'.repeat(501);
  it.each([
    ['no body', '', 'BODY_REQUIRED'],
    ['broken JSON', '{"text": "a', 'MALFORMED_JSON'],
    ['a list', '["text"]', 'VALIDATION_FAILED'],
    ['no text', '{}', 'VALIDATION_FAILED'],
    ['an empty text', '{"text":""}', 'VALIDATION_FAILED'],
    ['only blanks', '{"text":" \\n\\t "}', 'VALIDATION_FAILED'],
    ['a number', '{"text":7}', 'VALIDATION_FAILED'],
    ['null', '{"text":null}', 'VALIDATION_FAILED'],
    ['501 characters', JSON.stringify({ text: tooLong }), 'VALIDATION_FAILED'],
    ['a null character', '{"text":"a\\u0000b"}', 'VALIDATION_FAILED'],
    ['an escape character', '{"text":"a\\u001b[2J"}', 'VALIDATION_FAILED'],
    ['half a surrogate pair', '{"text":"a\\ud83d"}', 'VALIDATION_FAILED'],
    ['an unknown field', '{"text":"a","authorId":"b"}', 'VALIDATION_FAILED'],
    ['17 kB', JSON.stringify({ text: 'a'.repeat(17_000) }), 'PAYLOAD_TOO_LARGE'],
  ])('refuses %s', async (_what, body, code) => {
    const status = code === 'PAYLOAD_TOO_LARGE' ? 413 : 400;
    const answer = await ada.send('POST', '/api/v1/posts', { body });

    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(problemSchema.parse(answer.json)).toMatchObject({ status, code, instance: '/api/v1/posts' });
    expect(await app.rows('select 1 from posts.posts where author_id = $1', [ada.id])).toEqual([]);
    expect(await outbox()).toEqual([]);
  });

  it('counts what a reader sees as characters', async () => {
    const family = '👩‍👩‍👧‍👦';
    expect((await publish(ada, { text: family.repeat(500) })).status).toBe(201);
    expect((await publish(ada, { text: family.repeat(501) })).status).toBe(400);
  });

  it('names the field that is wrong', async () => {
    const { json } = await publish(ada, { text: '', extra: 1 });
    expect(
      json.errors.map(({ in: part, path }: { in: string; path: string }) => `${part} ${path}`).sort(),
    ).toEqual(['body /extra', 'body /text']);
  });

  it('asks who you are', async () => {
    const { status, headers, json } = await publish(app.anonymous(), { text: 'Who am I?' });
    expect([status, json.code]).toEqual([401, 'UNAUTHORIZED']);
    expect(headers.get('www-authenticate')).toContain('Bearer');
  });

  it('says when the name is still somebody else’s in the read copy', async () => {
    await ada.post('Mine');
    const late = await app.caller({ id: crypto.randomUUID(), username: ada.username });
    const { status, json, headers } = await publish(late, { text: 'Renamed a moment ago' });
    expect([status, json.code]).toEqual([503, 'PROFILE_NOT_READY']);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  });
});

describe('a transaction that fails', () => {
  afterEach(async () => {
    await app.rows('drop trigger if exists refuse on posts.posts');
    await app.rows('grant insert on posts.outbox to rostrum_posts');
  });

  it('leaves no event when it fails at its commit', async () => {
    await app.rows(`create or replace function posts.refuse() returns trigger language plpgsql as
      $$ begin raise exception 'secret detail of the database'; end $$`);
    await app.rows('grant execute on function posts.refuse() to rostrum_posts');
    await app.rows(`create constraint trigger refuse after insert on posts.posts
      deferrable initially deferred for each row execute function posts.refuse()`);
    const counted = await app.metric('posts_created_total');

    const answer = await publish(ada, { text: 'Never' });

    expect([answer.status, answer.json.code]).toEqual([500, 'INTERNAL_ERROR']);
    expect(answer.text).not.toContain('secret detail');
    expect(await app.rows('select 1 from posts.posts where author_id = $1', [ada.id])).toEqual([]);
    expect(await app.rows('select 1 from posts.profiles where user_id = $1', [ada.id])).toEqual([]);
    expect(await outbox()).toEqual([]);
    expect(await app.metric('posts_created_total')).toBe(counted);
  });

  it('leaves no post when its event cannot be written', async () => {
    await app.rows('revoke insert on posts.outbox from rostrum_posts');
    expect((await publish(ada, { text: 'Never' })).status).toBe(500);
    expect(await app.rows('select 1 from posts.posts where author_id = $1', [ada.id])).toEqual([]);
  });
});

describe('GET /api/v1/posts/:id', () => {
  it('answers the post with its version as ETag', async () => {
    const written = await ada.post('Read me');
    const { status, headers, json } = await ada.get(`/api/v1/posts/${written.id}`);

    expect(status).toBe(200);
    expect(postSchema.parse(json)).toEqual(written);
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(headers.get('etag')).toMatch(/^"[^"]+"$/);
    expect(headers.get('cache-control')).toBe('private, no-cache');
  });

  it('answers the same bytes and the same ETag from PostgreSQL, from the cache and to others', async () => {
    const { id } = await ada.post('Zeichen wie ß, 中文 und 🚀');
    const grace = await app.person('grace');
    const queries = () => app.metric('db_query_duration_seconds_count{operation="find_posts"}');
    const first = await ada.get(`/api/v1/posts/${id}`);
    const before = await queries();
    const second = await ada.get(`/api/v1/posts/${id}`);
    const others = await grace.get(`/api/v1/posts/${id.toUpperCase()}`);
    for (const { text, headers } of [second, others]) {
      expect(text).toBe(first.text);
      expect(headers.get('etag')).toBe(first.headers.get('etag'));
    }
    expect(await queries()).toBe(before);
  });

  it('tells the writer the ETag that readers get', async () => {
    const { headers } = await publish(ada, { text: 'Same tag' });
    const read = await ada.get(headers.get('location') as string);
    expect(read.headers.get('etag')).toBe(headers.get('etag'));
  });

  it('answers from the cache, without PostgreSQL, the second time', async () => {
    const { id } = await ada.post('Cached');
    await ada.get(`/api/v1/posts/${id}`);
    const hits = await app.metric('cache_requests_total{cache="post",result="hit"}');
    await app.rows('update posts.posts set text = $1 where id = $2', ['changed behind its back', id]);

    expect((await ada.get(`/api/v1/posts/${id}`)).json.text).toBe('Cached');
    expect(await app.metric('cache_requests_total{cache="post",result="hit"}')).toBe(hits + 1);
  });

  it('keeps what is cached for about ten minutes', async () => {
    const { id } = await ada.post('Kept');
    await ada.get(`/api/v1/posts/${id}`);
    // And for twenty minutes more, in case PostgreSQL does not answer then.
    const seconds = (await app.redis.ttl(`posts:cache:post.3:${id}`)) - 1_200;
    expect(seconds).toBeGreaterThan(500);
    expect(seconds).toBeLessThan(700);
  });

  it('tells a client that has it already that nothing has changed', async () => {
    const { id } = await ada.post('Known');
    const first = await ada.get(`/api/v1/posts/${id}`);
    const etag = first.headers.get('etag') as string;
    const queries = () => app.metric('db_query_duration_seconds_count{operation="find_posts"}');
    const before = await queries();

    for (const header of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const { status, text, headers } = await ada.get(`/api/v1/posts/${id}`, { 'If-None-Match': header });
      expect([status, text]).toEqual([304, '']);
      expect(headers.get('etag')).toBe(etag);
      expect(headers.get('cache-control')).toBe('private, no-cache');
    }
    expect(await queries()).toBe(before);
  });

  it('sends a post that the client has in another version', async () => {
    const { id } = await ada.post('Known');
    const { status, json } = await ada.get(`/api/v1/posts/${id}`, { 'If-None-Match': '"1.99"' });
    expect([status, json.id]).toEqual([200, id]);
  });

  it('reads PostgreSQL once for many who ask at once', async () => {
    const { id } = await ada.post('Popular');
    const queries = () => app.metric('db_query_duration_seconds_count{operation="find_posts"}');
    const before = await queries();
    const answers = await Promise.all(Array.from({ length: 20 }, () => ada.get(`/api/v1/posts/${id}`)));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    // One who asks in the moment between the load and its arrival in the cache makes another.
    expect((await queries()) - before).toBeLessThanOrEqual(3);
  });

  it('has no post that nobody wrote, whether or not the client says it has it', async () => {
    const path = `/api/v1/posts/${crypto.randomUUID()}`;
    for (const headers of [{}, { 'If-None-Match': '*' }]) {
      const { status, json } = await ada.get(path, headers as Record<string, string>);
      expect([status, json.code]).toEqual([404, 'NOT_FOUND']);
    }
  });

  it('remembers for a moment that a post was not there', async () => {
    const path = `/api/v1/posts/${crypto.randomUUID()}`;
    const queries = () => app.metric('db_query_duration_seconds_count{operation="find_posts"}');
    expect((await ada.get(path)).status).toBe(404);
    const before = await queries();
    expect((await ada.get(path)).status).toBe(404);
    expect(await queries()).toBe(before);
  });

  it.each(['1', 'x', '00000000-0000-7000-8000-00000000000', "0'%20or%201=1", '%00', '..%2f'])(
    'refuses the id %s',
    async (id) => {
      const { status, json } = await ada.get(`/api/v1/posts/${id}`);
      expect([status, json.code]).toEqual([400, 'VALIDATION_FAILED']);
      expect(json.errors).toEqual([expect.objectContaining({ in: 'path', path: '/id' })]);
    },
  );

  it('asks who you are, also for what is cached', async () => {
    const { id } = await ada.post('Not for all');
    const { headers } = await ada.get(`/api/v1/posts/${id}`);
    const { status } = await app
      .anonymous()
      .get(`/api/v1/posts/${id}`, { 'If-None-Match': headers.get('etag') as string });
    expect(status).toBe(401);
  });
});
