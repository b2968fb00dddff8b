import fc from 'fast-check';
import { PostsApp, type Caller } from './posts-app';

let app: PostsApp;
let ada: Caller;
let viewer: Caller;

beforeAll(async () => {
  app = await PostsApp.start();
});
afterAll(() => app.stop());
beforeEach(async () => {
  ada = await app.member('ada');
  viewer = await app.member('viewer');
});

interface Item {
  id: string;
}

/** All pages of a list, as a client follows them. */
async function pagesOf(caller: Caller, path: string): Promise<Item[][]> {
  const pages: Item[][] = [];
  let next: string | undefined = path;
  while (next !== undefined) {
    const answer = await caller.get(next);
    expect(answer.status).toBe(200);
    pages.push(answer.json.items);
    const link = /<([^>]+)>; rel="next"/.exec(answer.headers.get('link') ?? '')?.[1];
    expect(link !== undefined).toBe(answer.json.nextCursor !== null);
    next = link;
  }
  return pages;
}

const listOf = async (caller: Caller, who: Caller, list: 'followers' | 'following', limit = 100) =>
  (await pagesOf(caller, `/api/v1/users/${who.username}/${list}?limit=${limit}`)).flat().map(({ id }) => id);

const members = (count: number) => Promise.all(Array.from({ length: count }, () => app.member('fan')));

it('has the newest first, both ways, and says who they are', async () => {
  const fans: Caller[] = [];
  for (let i = 0; i < 5; i += 1) fans.push(await app.member('fan'));
  for (const fan of fans) {
    await fan.follow(ada.username);
    await ada.follow(fan.username);
  }
  const newestFirst = fans.map(({ id }) => id).reverse();
  for (const list of ['followers', 'following'] as const) {
    expect(await listOf(viewer, ada, list, 2)).toEqual(newestFirst);
    expect(await listOf(viewer, ada, list)).toEqual(newestFirst);
  }
  await fans[0]?.write('PATCH', '/api/v1/users/me', { displayName: 'First' });
  const { json } = await viewer.get(`/api/v1/users/${ada.username}/followers`);
  expect(json.items.at(-1)).toEqual({
    id: fans[0]?.id,
    username: fans[0]?.username,
    displayName: 'First',
    avatarId: null,
  });
});

it('keeps order among those who have come in the same moment', async () => {
  const fans = await members(7);
  await app.rows(
    `insert into posts.follows (follower_id, followee_id, created_at)
     select unnest($1::uuid[]), $2, '2026-01-01 00:00:00.123456+00'`,
    [fans.map(({ id }) => id), ada.id],
  );
  const ids = fans
    .map(({ id }) => id)
    .sort()
    .reverse();
  expect(await listOf(viewer, ada, 'followers', 2)).toEqual(ids);
});

it('skips nobody and has nobody twice, whoever comes and goes between its pages', async () => {
  const property = fc.asyncProperty(
    fc.array(fc.constantFrom('come', 'go', 'none'), { minLength: 4, maxLength: 4 }),
    fc.integer({ min: 1, max: 4 }),
    async (happenings, limit) => {
      const owner = await app.member('owner');
      const [staying, leaving, coming] = [await members(6), await members(4), await members(4)];
      for (let i = 0; i < 6; i += 1) {
        await staying[i]?.follow(owner.username);
        await leaving[i]?.follow(owner.username);
      }
      const seen: string[] = [];
      let path: string | undefined = `/api/v1/users/${owner.username}/followers?limit=${limit}`;
      for (let page = 0; path !== undefined; page += 1) {
        const answer = await viewer.get(path);
        seen.push(...answer.json.items.map(({ id }: Item) => id));
        path = /<([^>]+)>; rel="next"/.exec(answer.headers.get('link') ?? '')?.[1];
        if (happenings[page] === 'come') await coming[page]?.follow(owner.username);
        if (happenings[page] === 'go') await leaving[page]?.unfollow(owner.username);
      }
      expect(new Set(seen).size).toBe(seen.length);
      const order = staying.map(({ id }) => id).reverse();
      expect(seen.filter((id) => order.includes(id))).toEqual(order);
    },
  );
  await fc.assert(property, { numRuns: 6 });
});

it('reads on where people are left out, and shows a viewer none who has blocked them', async () => {
  const fans = await members(6);
  for (const fan of fans) await fan.follow(ada.username);
  for (const fan of fans.slice(1)) await fan.write('PUT', `/api/v1/users/${viewer.username}/block`);
  expect((await pagesOf(viewer, `/api/v1/users/${ada.username}/followers?limit=1`)).flat()).toMatchObject([
    { id: fans[0]?.id },
  ]);
  expect(await listOf(ada, ada, 'followers')).toHaveLength(6);
});

it('of a private account is for its followers', async () => {
  const fan = await app.member('fan');
  await fan.follow(ada.username);
  await ada.write('PATCH', '/api/v1/users/me', { isPrivate: true });
  for (const list of ['followers', 'following'] as const) {
    const { status, json } = await viewer.get(`/api/v1/users/${ada.username}/${list}`);
    expect([status, json.code]).toEqual([403, 'ACCOUNT_PRIVATE']);
    expect((await fan.get(`/api/v1/users/${ada.username}/${list}`)).status).toBe(200);
    expect((await ada.get(`/api/v1/users/${ada.username}/${list}`)).status).toBe(200);
  }
  await fan.unfollow(ada.username);
  expect((await fan.get(`/api/v1/users/${ada.username}/followers`)).status).toBe(403);
});

it('refuses what it cannot answer', async () => {
  for (const list of ['followers', 'following'] as const) {
    const path = `/api/v1/users/${ada.username}/${list}`;
    const codeOf = async (query: string) => {
      const { status, json } = await viewer.get(`${path}${query}`);
      return [status, json.code];
    };
    expect(await codeOf('?limit=0')).toEqual([400, 'VALIDATION_FAILED']);
    expect(await codeOf('?limit=101')).toEqual([400, 'VALIDATION_FAILED']);
    expect(await codeOf('?page=2')).toEqual([400, 'VALIDATION_FAILED']);
    expect(await codeOf('?cursor=%00')).toEqual([400, 'INVALID_CURSOR']);
    expect((await viewer.get(`/api/v1/users/nobody_here/${list}`)).status).toBe(404);
    expect((await viewer.get(`/api/v1/users/N/${list}`)).status).toBe(400);
    expect((await app.anonymous().get(path)).status).toBe(401);
  }
});

it("takes no cursor of another list's, another person's or another viewer's", async () => {
  for (const fan of await members(2)) {
    await fan.follow(ada.username);
    await ada.follow(fan.username);
  }
  const path = `/api/v1/users/${ada.username}`;
  const { nextCursor } = (await viewer.get(`${path}/followers?limit=1`)).json;
  expect((await viewer.get(`${path}/followers?cursor=${nextCursor}`)).status).toBe(200);
  for (const [who, where] of [
    [viewer, `${path}/following`],
    [viewer, `/api/v1/users/${viewer.username}/followers`],
    [ada, `${path}/followers`],
  ] as const) {
    expect((await who.get(`${where}?cursor=${nextCursor}`)).json.code).toBe('INVALID_CURSOR');
  }
});
