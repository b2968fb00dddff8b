import { postDeleted, postUpdated, postVersion } from '@rostrum/contracts';
import { PostsApp, type Answer, type Caller } from './posts-app';

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

const at = (id: string) => `/api/v1/posts/${id}`;
const read = async (caller: Caller, id: string) => (await caller.get(at(id))).json;
const etagOf = async (id: string) => (await ada.get(at(id))).headers.get('etag') as string;

const edit = (caller: Caller, id: string, text: string, ifMatch: string): Promise<Answer> =>
  caller.write('PATCH', at(id), { text }, { 'If-Match': ifMatch });

const eventsOf = async (key: string, type: string) =>
  (
    await app.rows<{ payload: unknown }>('select payload from posts.outbox where key = $1 and type = $2', [
      key,
      type,
    ])
  ).map(({ payload }) => payload);

describe('PATCH /api/v1/posts/:id', () => {
  it('changes the text, and nobody reads the old one', async () => {
    const { id } = await ada.post('Befor');
    const before = await eve.get(at(id));
    const answer = await edit(ada, id, 'Before', before.headers.get('etag') as string);

    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ id, text: 'Before', version: 2, editedAt: expect.any(String) });
    const after = await eve.get(at(id));
    expect(after.json).toEqual(answer.json);
    expect(after.headers.get('etag')).toBe(answer.headers.get('etag'));
    expect((await eve.get(at(id), { 'If-None-Match': before.headers.get('etag') as string })).status).toBe(
      200,
    );
    expect((await ada.get('/api/v1/feed')).json.items[0].text).toBe('Before');
    const [told] = await eventsOf(ada.id, 'post.updated');
    expect(postUpdated.payload.parse(told)).toMatchObject({ postId: id, version: 2 });
  });

  it('asks which version was read, and takes no other', async () => {
    const { id } = await ada.post('a');
    const old = await etagOf(id);
    const missing = await ada.write('PATCH', at(id), { text: 'b' });
    expect([missing.status, missing.json.code]).toEqual([428, 'PRECONDITION_REQUIRED']);
    expect((await edit(ada, id, 'b', old)).status).toBe(200);
    for (const tag of [old, '"x"', 'W/"2.1.0"', '']) {
      const { status, json } = await edit(ada, id, 'c', tag);
      expect([tag, status, json.code]).toEqual([tag, 412, 'PRECONDITION_FAILED']);
    }
    expect((await edit(ada, id, 'c', `"x", W/${await etagOf(id)}`)).status).toBe(200);
    expect((await edit(ada, id, 'd', '*')).status).toBe(200);
  });

  it('does not mind that the counts have changed since', async () => {
    const { id } = await ada.post('Popular');
    const etag = await etagOf(id);
    await eve.post('Indeed', { replyTo: id });
    expect(await etagOf(id)).not.toBe(etag);
    expect((await edit(ada, id, 'Very popular', etag)).json).toMatchObject({
      version: 2,
      counts: { replies: 1 },
    });
  });

  it('lets one of those succeed who edit the same version at once', async () => {
    const { id } = await ada.post('a');
    const etag = await etagOf(id);
    const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => edit(ada, id, `text ${i}`, etag)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(412)]);
    const won = answers.find(({ status }) => status === 200);
    expect((await read(eve, id)).text).toBe(won?.json.text);
  });

  it('makes no version of a text that is the same', async () => {
    const { id } = await ada.post('Same');
    expect((await edit(ada, id, 'Same', '*')).json).toMatchObject({ version: 1, editedAt: null });
    expect(await eventsOf(ada.id, 'post.updated')).toEqual([]);
  });

  it('reads mentions and tags anew, and tells only those who are named for the first time', async () => {
    const bob = await app.member('bob');
    const { id } = await ada.post(`@${eve.username} #one`);
    await edit(ada, id, `@${eve.username} @${bob.username} #two`, '*');
    const named = await app.rows('select user_id from posts.post_mentions where post_id = $1', [id]);
    expect(named.map(({ user_id }) => user_id).sort()).toEqual([eve.id, bob.id].sort());
    expect(await app.rows('select tag from posts.post_tags where post_id = $1', [id])).toEqual([
      { tag: 'two' },
    ]);
    expect(await eventsOf(eve.id, 'user.mentioned')).toHaveLength(1);
    expect(await eventsOf(bob.id, 'user.mentioned')).toHaveLength(1);
    await edit(ada, id, 'Nobody', '*');
    expect(await app.rows('select 1 from posts.post_mentions where post_id = $1', [id])).toEqual([]);
  });

  it('is for the author alone', async () => {
    const { id } = await ada.post('Mine');
    const { status, json } = await edit(eve, id, 'Ours', '*');
    expect([status, json.code]).toEqual([403, 'FORBIDDEN']);
    expect((await edit(eve, crypto.randomUUID(), 'x', '*')).status).toBe(404);
  });

  it('is done once for a key, and answered the same', async () => {
    const { id } = await ada.post('a');
    const headers = { 'If-Match': await etagOf(id), 'Idempotency-Key': 'edit' };
    const first = await ada.write('PATCH', at(id), { text: 'b' }, headers);
    const again = await ada.write('PATCH', at(id), { text: 'b' }, headers);
    expect([again.status, again.json]).toEqual([200, first.json]);
    expect((await read(ada, id)).version).toBe(2);
  });

  it.each([{}, { text: '' }, { text: 'a', visibility: 'public' }, { text: 'a\u202eb' }])(
    'refuses %j',
    async (body) => {
      const { id } = await ada.post('a');
      expect((await ada.write('PATCH', at(id), body, { 'If-Match': '*' })).status).toBe(400);
    },
  );
});

describe('GET /api/v1/posts/:id/versions', () => {
  it('answers what it says and has said, newest first, in pages', async () => {
    const { id, createdAt } = await ada.post('text 1');
    for (let i = 2; i <= 5; i += 1) await edit(ada, id, `text ${i}`, '*');
    const first = await eve.get(`${at(id)}/versions?limit=2`);
    expect(first.json.items.map((item: unknown) => postVersion.parse(item).text)).toEqual([
      'text 5',
      'text 4',
    ]);
    const second = await eve.get(`${at(id)}/versions?limit=2&cursor=${first.json.nextCursor}`);
    const third = await eve.get(`${at(id)}/versions?limit=2&cursor=${second.json.nextCursor}`);
    expect(second.json.items.map(({ version }: { version: number }) => version)).toEqual([3, 2]);
    expect(third.json).toMatchObject({
      items: [{ version: 1, text: 'text 1', writtenAt: createdAt }],
      nextCursor: null,
    });
    expect(first.headers.get('link')).toContain('rel="next"');
  });
});

describe('DELETE /api/v1/posts/:id', () => {
  it('leaves a tombstone, at once and for everybody, however often it is done', async () => {
    const root = await eve.post('The beginning');
    const { id } = await ada.post('Gone soon #tag', { replyTo: root.id, quoteOf: root.id });
    expect((await eve.get(at(id))).status).toBe(200);
    expect((await read(eve, root.id)).counts).toMatchObject({ replies: 1, quotes: 1 });
    for (let i = 0; i < 3; i += 1) expect((await ada.write('DELETE', at(id))).status).toBe(204);

    for (const caller of [ada, eve]) {
      const { status, json } = await caller.get(at(id));
      expect([status, json.code]).toEqual([410, 'POST_DELETED']);
    }
    expect((await read(eve, root.id)).counts).toMatchObject({ replies: 0, quotes: 0 });
    expect((await ada.get('/api/v1/feed')).json.items).toEqual([]);
    expect((await edit(ada, id, 'Back', '*')).status).toBe(410);
    expect((await eve.get(`${at(id)}/versions`)).status).toBe(410);
    expect(await app.rows('select 1 from posts.post_tags where post_id = $1', [id])).toEqual([]);
    const told = await eventsOf(ada.id, 'post.deleted');
    expect(told.map((payload) => postDeleted.payload.parse(payload).postId)).toEqual([id]);
  });

  it('counts down once, however many delete at once, beside replies that are being written', async () => {
    const root = await ada.post('Busy');
    const replies = await Promise.all(
      Array.from({ length: 10 }, () => eve.post('reply', { replyTo: root.id, quoteOf: root.id })),
    );
    const answers = await Promise.all([
      ...replies.flatMap(({ id }) => [eve.write('DELETE', at(id)), eve.write('DELETE', at(id))]),
      ...replies.map(({ id }) =>
        ada.write('POST', '/api/v1/posts', { text: 'x', replyTo: id, quoteOf: root.id }),
      ),
      ...replies.map(() => ada.write('POST', '/api/v1/posts', { text: 'x', replyTo: root.id })),
    ]);
    expect(answers.filter(({ status }) => ![201, 204, 422].includes(status))).toEqual([]);
    const [really] = await app.rows(
      `select count(*) filter (where reply_to = $1)::int as replies, count(*) filter (where quote_of = $1)::int as quotes
         from posts.posts where deleted_at is null and (reply_to = $1 or quote_of = $1)`,
      [root.id],
    );
    expect((await read(ada, root.id)).counts).toMatchObject(really as object);
  });

  it('is for the author alone', async () => {
    const { id } = await ada.post('Mine');
    expect((await eve.write('DELETE', at(id))).json.code).toBe('FORBIDDEN');
    expect((await eve.write('DELETE', at(crypto.randomUUID()))).status).toBe(404);
    expect((await eve.get(at(id))).status).toBe(200);
  });

  it('may take back what moderators have hidden', async () => {
    const { id } = await ada.post('Hidden');
    await app.arrange('update posts.posts set hidden_at = now() where id = $1', [id]);
    expect((await ada.get(at(id))).status).toBe(404);
    expect((await edit(ada, id, 'x', '*')).status).toBe(404);
    expect((await ada.write('DELETE', at(id))).status).toBe(204);
    expect((await ada.get(at(id))).status).toBe(404);
  });
});
