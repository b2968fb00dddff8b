import { post as postSchema, postCreated, userMentioned } from '@rostrum/contracts';
import { PostsApp, type Caller } from './posts-app';

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

const publish = (caller: Caller, body: object) => caller.write('POST', '/api/v1/posts', body);
const read = async (caller: Caller, id: string) => (await caller.get(`/api/v1/posts/${id}`)).json;

const eventsOf = async (key: string, type: string) =>
  (
    await app.rows<{ payload: unknown }>(
      'select payload from posts.outbox where key = $1 and type = $2 order by position',
      [key, type],
    )
  ).map(({ payload }) => payload);

describe('a text', () => {
  it('has its links, tags and mentions as facets, with ranges in bytes', async () => {
    const text = `Grüße 👋 an @${eve.username.toUpperCase()}, #Kürbis https://example.com/ü.`;
    const written = await ada.post(text);

    expect(postSchema.parse(written).text).toBe(text);
    const covered = written.facets.map(({ start, end, ...facet }: { start: number; end: number }) => [
      Buffer.from(text).subarray(start, end).toString(),
      facet,
    ]);
    expect(covered).toEqual([
      [`@${eve.username.toUpperCase()}`, { type: 'mention', userId: eve.id, username: eve.username }],
      ['#Kürbis', { type: 'tag', tag: 'kürbis' }],
      ['https://example.com/ü', { type: 'link', url: 'https://example.com/%C3%BC' }],
    ]);
    expect(await read(eve, written.id)).toEqual(written);
    expect(await app.rows('select tag from posts.post_tags where post_id = $1', [written.id])).toEqual([
      { tag: 'kürbis' },
    ]);
    expect(
      await app.rows('select user_id from posts.post_mentions where post_id = $1', [written.id]),
    ).toEqual([{ user_id: eve.id }]);
  });

  it('names nobody by a name that nobody has, of those who are gone, or who are not there for its author', async () => {
    const [blocker, gone] = [await app.member('blocker'), await app.member('gone')];
    await app.arrange('insert into posts.blocks values ($1, $2, gen_random_uuid())', [blocker.id, ada.id]);
    await app.arrange('update posts.profiles set suspended_at = now() where user_id = $1', [gone.id]);
    const names = [blocker.username, gone.username, 'nobody_at_all', eve.username];
    const { facets } = await ada.post(names.map((name) => `@${name}`).join(' '));
    expect(facets.map(({ username }: { username: string }) => username)).toEqual([eve.username]);
    expect(await eventsOf(blocker.id, 'user.mentioned')).toEqual([]);
  });

  it('tells each whom it names, once, and nobody that they have named themselves', async () => {
    const { id, createdAt } = await ada.post(`@${eve.username} @${eve.username} @${ada.username}`);
    const told = await eventsOf(eve.id, 'user.mentioned');
    expect(told.map((payload) => userMentioned.payload.parse(payload))).toEqual([
      { userId: eve.id, postId: id, authorId: ada.id, authorUsername: ada.username, mentionedAt: createdAt },
    ]);
    expect(await eventsOf(ada.id, 'user.mentioned')).toEqual([]);
    const [created] = await eventsOf(ada.id, 'post.created');
    expect(postCreated.payload.parse(created).mentions).toEqual([{ userId: eve.id }, { userId: ada.id }]);
  });

  it.each([
    ['an override', 'a\u202eb\u202c'],
    ['another override', 'a\u202db\u202c'],
    ['an embedding that is not closed', 'a\u202bb'],
    ['an isolate that is closed in another line', 'a\u2067b\nc\u2069'],
    ['an isolate that is closed as an embedding', '\u2067b\u202c'],
    ['what closes nothing', 'a\u2069'],
    ['a control of the second set', 'a\u0085b'],
    ['a deprecated format character', 'a\u206eb'],
    ['a mark of annotations', 'a\ufff9b'],
  ])('may not have %s', async (_what, text) => {
    const { status, json } = await publish(ada, { text });
    expect([status, json.errors]).toEqual([400, [expect.objectContaining({ in: 'body', path: '/text' })]]);
  });

  it.each([
    'שלום עולם',
    'abc \u2067שלום\u2069 def',
    '\u202bשלום \u202aabc\u202c\u202c',
    'a\u200fb\u200e',
    '🏴󠁧󠁢󠁥󠁮󠁧󠁿',
  ])('may be in any direction: %s', async (text) => {
    expect((await ada.post(text)).text).toBe(text);
  });
});

describe('a reply', () => {
  it('knows what it answers and what its thread begins with, and is counted there', async () => {
    const root = await ada.post('The beginning');
    const first = await eve.post('An answer', { replyTo: root.id });
    const second = await ada.post('And another', { replyTo: first.id.toUpperCase() });

    expect([first.replyTo, first.rootId]).toEqual([root.id, root.id]);
    expect([second.replyTo, second.rootId]).toEqual([first.id, root.id]);
    expect((await read(eve, root.id)).counts).toEqual({ likes: 0, reposts: 0, replies: 1, quotes: 0 });
    expect((await read(eve, first.id)).counts.replies).toBe(1);
    const told = (await eventsOf(eve.id, 'post.created')).map((payload) =>
      postCreated.payload.parse(payload),
    );
    expect(told[0]).toMatchObject({ replyTo: { postId: root.id, authorId: ada.id }, rootId: root.id });
  });

  it('is for whom the other is for, unless it says otherwise', async () => {
    await eve.follow(ada.username);
    const forFollowers = await ada.post('For followers', { visibility: 'followers' });
    const reply = await eve.post('As yours', { replyTo: forFollowers.id });
    expect(reply.visibility).toBe('followers');
    const open = await eve.post('For all', { replyTo: forFollowers.id, visibility: 'public' });
    expect(open.visibility).toBe('public');
  });

  it('to what is for those whom it names reaches its author, also once it has been edited', async () => {
    const note = await ada.post(`Only you, @${eve.username}`, { visibility: 'mentioned' });
    const reply = await eve.post('Thank you', { replyTo: note.id });
    expect(reply.visibility).toBe('mentioned');
    expect((await ada.get(`/api/v1/posts/${reply.id}`)).status).toBe(200);
    const { status } = await eve.write(
      'PATCH',
      `/api/v1/posts/${reply.id}`,
      { text: 'Thanks' },
      { 'If-Match': '*' },
    );
    expect(status).toBe(200);
    expect((await read(ada, reply.id)).text).toBe('Thanks');
    expect((await (await app.member('other')).get(`/api/v1/posts/${reply.id}`)).status).toBe(404);
  });

  it('and quotes are counted exactly when many are written at once', async () => {
    const [one, other] = [await ada.post('One'), await ada.post('Other')];
    const bodies = Array.from({ length: 20 }, (_, i) => [
      { text: `${i}`, replyTo: one.id, quoteOf: other.id },
      { text: `${i}`, replyTo: other.id, quoteOf: one.id },
      { text: `${i}`, replyTo: one.id, quoteOf: one.id },
    ]).flat();
    // Read while it changes, so that the cache has every chance to keep what is old.
    const answers = await Promise.all(
      bodies.flatMap((body) => [publish(eve, body), ada.get(`/api/v1/posts/${one.id}`)]),
    );
    expect(answers.filter(({ status }) => status >= 300)).toEqual([]);
    expect((await read(ada, one.id)).counts).toMatchObject({ replies: 40, quotes: 40 });
    expect((await read(ada, other.id)).counts).toMatchObject({ replies: 20, quotes: 20 });
  });
});

describe('what is refused', () => {
  it.each([
    ['replyTo', 'REPLY_TO_NOT_FOUND'],
    ['quoteOf', 'QUOTE_OF_NOT_FOUND'],
  ])('a %s that is not there', async (field, code) => {
    const { status, json } = await publish(ada, { text: 'a', [field]: crypto.randomUUID() });
    expect([status, json.code]).toEqual([422, code]);
    expect(await app.rows('select 1 from posts.posts where author_id = $1', [ada.id])).toEqual([]);
  });

  it.each([
    ['a visibility that there is not', { visibility: 'friends' }],
    ['a replyTo that is no id', { replyTo: '1' }],
    ['a quoteOf that is null', { quoteOf: null }],
    ['facets of its own', { facets: [] }],
    ['an author', { author: { id: '1' } }],
  ])('%s', async (_what, more) => {
    const { status, json } = await publish(ada, { text: 'a', ...more });
    expect([status, json.code]).toEqual([400, 'VALIDATION_FAILED']);
  });
});

it('is answered as it was when it is repeated, also when what it answers has been deleted meanwhile', async () => {
  const root = await eve.post('Soon gone');
  const send = () =>
    ada.write('POST', '/api/v1/posts', { text: 'Me first', replyTo: root.id }, { 'Idempotency-Key': 'once' });
  const first = await send();
  expect((await eve.write('DELETE', `/api/v1/posts/${root.id}`)).status).toBe(204);
  const again = await send();
  expect([again.status, again.json]).toEqual([201, first.json]);
  expect(again.headers.get('idempotency-replayed')).toBe('true');
});

describe('GET /api/v1/posts?ids=', () => {
  it('answers those that there are, in the order of the ids, each once', async () => {
    const [one, two] = [await ada.post('one'), await eve.post('two')];
    const ids = [two.id, crypto.randomUUID(), one.id.toUpperCase(), two.id];
    const { status, json, headers } = await ada.get(`/api/v1/posts?ids=${ids.join(',')}`);
    expect([status, json]).toEqual([200, { items: [two, one] }]);
    expect(headers.get('cache-control')).toBe('private, no-cache');
    expect((await ada.get(`/api/v1/posts?ids=${crypto.randomUUID()}`)).json).toEqual({ items: [] });
  });

  it('reads all that are not cached in one statement', async () => {
    const ids = [];
    for (let i = 0; i < 30; i += 1) ids.push((await ada.post(`post ${i}`)).id);
    const queries = () => app.metric('db_query_duration_seconds_count{operation="find_posts"}');
    const before = await queries();
    expect((await ada.get(`/api/v1/posts?ids=${ids.join(',')}`)).json.items).toHaveLength(30);
    expect((await queries()) - before).toBeLessThanOrEqual(2);
  });

  const many = Array.from({ length: 101 }, () => crypto.randomUUID()).join(',');
  it.each(['', '?ids=', '?ids=1', '?ids=,', `?ids=${many}`, `?ids=${'a'.repeat(5_000)}`, '?ids=a&ids=b'])(
    'refuses %.20s',
    async (query) => {
      const { status, json } = await ada.get(`/api/v1/posts${query}`);
      expect([status, json.code]).toEqual([400, 'VALIDATION_FAILED']);
    },
  );
});
