import { randomUUID } from 'node:crypto';
import { PostsApp, type Answer, type Caller } from './posts-app';

let app: PostsApp;
let ada: Caller;
let eve: Caller;
let postId: string;

beforeAll(async () => {
  app = await PostsApp.start();
});
afterAll(() => app.stop());
beforeEach(async () => {
  ada = await app.person('ada');
  eve = await app.person('eve');
  ({ id: postId } = await ada.post('Look at this'));
});

const react = (who: Caller, method: string, what: string, headers?: Record<string, string>) =>
  who.write(method, `/api/v1/posts/${postId}/${what}`, undefined, headers);

const post = async (): Promise<Answer['json']> => (await ada.get(`/api/v1/posts/${postId}`)).json;

const eventsOf = (type: string) =>
  app.rows<{ key: string; payload: Record<string, unknown> }>(
    `select key, payload from posts.outbox where type = $1 and payload->>'postId' = $2 order by position`,
    [type, postId],
  );

const namesOf = ({ json }: Answer) => json.items.map(({ username }: { username: string }) => username);

describe.each([
  {
    what: 'like',
    table: 'likes',
    on: 'post.liked',
    off: 'post.unliked',
    done: 'likedAt',
    undone: 'unlikedAt',
  },
  {
    what: 'repost',
    table: 'reposts',
    on: 'post.reposted',
    off: 'post.unreposted',
    done: 'repostedAt',
    undone: 'unrepostedAt',
  },
])('a $what', ({ what, table, on, off, done, undone }) => {
  it('is counted in the post, whose ETag is another one then', async () => {
    const before = await ada.get(`/api/v1/posts/${postId}`);
    expect((await react(eve, 'PUT', what)).status).toBe(204);
    const after = await ada.get(`/api/v1/posts/${postId}`, {
      'if-none-match': before.headers.get('etag') ?? '',
    });
    expect([after.status, after.json.counts]).toEqual([200, { ...before.json.counts, [table]: 1 }]);
    expect(after.json.version).toBe(before.json.version);
  });

  it('is told of once, whoever does it again', async () => {
    for (const time of [1, 2]) expect([time, (await react(eve, 'PUT', what)).status]).toEqual([time, 204]);
    expect((await post()).counts[table]).toBe(1);
    const reposted = what === 'repost' && { repostId: expect.any(String) };
    const payload = {
      postId,
      authorId: ada.id,
      userId: eve.id,
      username: eve.username,
      [done]: expect.any(String),
      ...reposted,
    };
    expect(await eventsOf(on)).toEqual([{ key: ada.id, payload }]);
  });

  it('is taken back, which is told of once too', async () => {
    await react(eve, 'PUT', what);
    for (const time of [1, 2]) expect([time, (await react(eve, 'DELETE', what)).status]).toEqual([time, 204]);
    expect((await post()).counts[table]).toBe(0);
    const payload = { postId, authorId: ada.id, userId: eve.id, [undone]: expect.any(String) };
    expect(await eventsOf(off)).toEqual([{ key: ada.id, payload }]);
  });

  it('changes nothing where it is taken back before it was made', async () => {
    expect((await react(eve, 'DELETE', what)).status).toBe(204);
    expect((await post()).counts[table]).toBe(0);
    expect(await eventsOf(off)).toEqual([]);
  });

  it('repeated with its key after it was taken back stays taken back', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    await react(eve, 'PUT', what, headers);
    expect((await post()).counts[table]).toBe(1);
    await react(eve, 'DELETE', what);
    const replayed = await react(eve, 'PUT', what, headers);
    expect([replayed.status, replayed.headers.get('idempotency-replayed')]).toEqual([204, 'true']);
    expect((await post()).counts[table]).toBe(0);
    expect(await eventsOf(on)).toHaveLength(1);
  });

  it('is listed with who it is from, the latest first, page by page', async () => {
    const people: Caller[] = [];
    for (const name of ['first', 'second', 'third', 'fourth', 'fifth']) people.push(await app.person(name));
    for (const person of people) await react(person, 'PUT', what);
    const expected = people.map(({ username }) => username).reverse();

    const path = `/api/v1/posts/${postId}/${table}`;
    const first = await eve.get(`${path}?limit=2`);
    expect(first.json.items[0]).toEqual({
      id: people[4]?.id,
      username: people[4]?.username,
      displayName: null,
      avatarId: null,
    });
    // Whoever comes meanwhile is before the first page.
    await react(eve, 'PUT', what);
    const second = await eve.get(`${path}?limit=2&cursor=${first.json.nextCursor}`);
    const third = await eve.get(`${path}?limit=2&cursor=${second.json.nextCursor}`);
    expect([...namesOf(first), ...namesOf(second), ...namesOf(third)]).toEqual(expected);
    expect(third.json.nextCursor).toBeNull();
    expect(first.headers.get('link')).toBe(`<${path}?cursor=${first.json.nextCursor}&limit=2>; rel="next"`);
  });

  it('is not listed for those who have blocked the person, and counted all the same', async () => {
    await react(eve, 'PUT', what);
    const other = await app.member('other');
    await app.register(eve);
    await app.arrange(
      'insert into posts.blocks (blocker_id, blocked_id, id) values ($1, $2, gen_random_uuid())',
      [other.id, eve.id],
    );
    const path = `/api/v1/posts/${postId}/${table}`;
    expect(namesOf(await other.get(path))).toEqual([]);
    expect(namesOf(await ada.get(path))).toEqual([eve.username]);
    expect((await post()).counts[table]).toBe(1);
  });

  it('has lists whose cursors are for one viewer and one post', async () => {
    const people = [await app.person('one'), await app.person('two')];
    for (const person of people) await react(person, 'PUT', what);
    const path = `/api/v1/posts/${postId}/${table}?limit=1`;
    const { nextCursor } = (await eve.get(path)).json;
    const { id: other } = await ada.post('Another');
    for (const answer of [
      await ada.get(`${path}&cursor=${nextCursor}`),
      await eve.get(`/api/v1/posts/${other}/${table}?cursor=${nextCursor}`),
      await eve.get(`${path}&cursor=nonsense`),
    ])
      expect([answer.status, answer.json.code]).toEqual([400, 'INVALID_CURSOR']);
  });

  it('is counted by what operators see', async () => {
    const made = () => app.metric(`post_reactions_total{kind="${what}",change="made"}`);
    const before = await made();
    await react(eve, 'PUT', what);
    await react(eve, 'PUT', what);
    expect(await made()).toBe(before + 1);
  });
});

describe('bookmarks', () => {
  it('are the holder’s alone, latest first, and nobody is told of them', async () => {
    const { id: second } = await ada.post('And at this');
    const { id: third } = await ada.post('This too');
    for (const id of [third, postId, second, third])
      expect((await eve.write('PUT', `/api/v1/posts/${id}/bookmark`)).status).toBe(204);

    const first = await eve.get('/api/v1/posts/bookmarks?limit=2');
    const rest = await eve.get(`/api/v1/posts/bookmarks?limit=2&cursor=${first.json.nextCursor}`);
    const ids = [...first.json.items, ...rest.json.items].map(({ id }) => id);
    expect([ids, rest.json.nextCursor]).toEqual([[second, postId, third], null]);
    expect(first.json.items[1]).toEqual(await post());
    expect((await ada.get('/api/v1/posts/bookmarks')).json.items).toEqual([]);
    expect(
      await app.rows(`select type from posts.outbox where type ~ 'mark' and key = $1`, [ada.id]),
    ).toEqual([]);
  });

  it('are removed, and leave out what has been deleted', async () => {
    const { id: second } = await ada.post('And at this');
    for (const id of [postId, second]) await eve.write('PUT', `/api/v1/posts/${id}/bookmark`);
    await react(eve, 'DELETE', 'bookmark');
    expect((await eve.get('/api/v1/posts/bookmarks')).json.items).toHaveLength(1);
    await ada.write('DELETE', `/api/v1/posts/${second}`);
    expect((await eve.get('/api/v1/posts/bookmarks')).json).toEqual({ items: [], nextCursor: null });
  });
});

describe('what one has done oneself', () => {
  it('is said of each post that is asked for, in that order', async () => {
    const { id: second } = await ada.post('And at this');
    await react(eve, 'PUT', 'like');
    await react(eve, 'PUT', 'bookmark');
    await eve.write('PUT', `/api/v1/posts/${second}/repost`);
    await ada.write('PUT', `/api/v1/posts/${second}/like`);
    const nothing = randomUUID();
    const { json } = await eve.get(
      `/api/v1/posts/reactions?ids=${second},${nothing},${postId.toUpperCase()},${second}`,
    );
    expect(json).toEqual({
      items: [
        { id: second, liked: false, reposted: true, bookmarked: false },
        { id: nothing, liked: false, reposted: false, bookmarked: false },
        { id: postId, liked: true, reposted: false, bookmarked: true },
      ],
    });
  });

  it.each([
    ['no ids', '', 400],
    ['an id that is none', '?ids=1', 400],
    ['an empty id', `?ids=${randomUUID()},`, 400],
    ['too many', `?ids=${Array.from({ length: 101 }, () => randomUUID()).join(',')}`, 400],
    ['something else', `?ids=${randomUUID()}&of=me`, 400],
  ])('is refused for %s', async (_what, query, status) => {
    const answer = await eve.get(`/api/v1/posts/reactions${query}`);
    expect([answer.status, answer.json.code]).toEqual([status, 'VALIDATION_FAILED']);
  });
});

describe.each(['like', 'repost', 'bookmark'])('PUT and DELETE /api/v1/posts/:id/%s', (what) => {
  it.each(['PUT', 'DELETE'])('%s is refused clearly', async (method) => {
    const path = (id: string) => `/api/v1/posts/${id}/${what}`;
    const codeOf = async (answer: Promise<Answer>) => {
      const { status, json } = await answer;
      return [status, json.code];
    };
    expect(await codeOf(eve.write(method, path('1')))).toEqual([400, 'VALIDATION_FAILED']);
    expect(await codeOf(eve.write(method, path(randomUUID())))).toEqual([404, 'NOT_FOUND']);
    expect(await codeOf(app.anonymous().write(method, path(postId)))).toEqual([401, 'UNAUTHORIZED']);
    await ada.write('DELETE', `/api/v1/posts/${postId}`);
    expect(await codeOf(eve.write(method, path(postId)))).toEqual([410, 'POST_DELETED']);
  });

  it('takes an id in either case', async () => {
    expect((await eve.write('PUT', `/api/v1/posts/${postId.toUpperCase()}/${what}`)).status).toBe(204);
    const { json } = await eve.get(`/api/v1/posts/reactions?ids=${postId}`);
    expect(Object.values(json.items[0]).filter((value) => value === true)).toHaveLength(1);
  });
});
