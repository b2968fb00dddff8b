import { homeFeedRoute } from '@rostrum/contracts';
import { createDatabase, type Queryable } from '@rostrum/data-access';
import { FeedRepository } from '../src/feed/feed.repository';
import { PostsApp, type Answer, type Caller } from './posts-app';

let app: PostsApp;
let ada: Caller;
let grace: Caller;
let alan: Caller;

beforeAll(async () => {
  app = await PostsApp.start();
});
afterAll(() => app.stop());
beforeEach(async () => {
  [ada, grace, alan] = await Promise.all([app.person('ada'), app.person('grace'), app.person('alan')]);
});

const page = homeFeedRoute.responses[200].schema;
const textsOf = ({ json }: Answer): string[] => page.parse(json).items.map(({ text }) => text);
const nextOf = ({ headers }: Answer): string | undefined =>
  /^<([^>]+)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1];

/** Follows `Link: rel="next"` to the end. */
async function allPages(caller: Caller, limit: number): Promise<Answer[]> {
  const pages = [await caller.get(`/api/v1/feed?limit=${limit}`)];
  for (let next = nextOf(pages[0] as Answer); next; next = nextOf(pages.at(-1) as Answer)) {
    pages.push(await caller.get(next));
  }
  return pages;
}

it('is empty for whoever follows nobody and has written nothing', async () => {
  const { status, json, headers } = await ada.get('/api/v1/feed');
  expect([status, json]).toEqual([200, { items: [], nextCursor: null }]);
  expect(headers.get('link')).toBeNull();
  expect(headers.get('cache-control')).toBe('no-store');
});

it('shows what those you follow and you yourself have written, newest first, and nothing of others', async () => {
  await grace.post('one');
  await alan.post('not for ada');
  await ada.follow(grace.username);
  await ada.post('two');
  await grace.post('three');

  const answer = await ada.get('/api/v1/feed');
  expect(textsOf(answer)).toEqual(['three', 'two', 'one']);
  expect(answer.json.items[0]).toMatchObject({
    author: { id: grace.id, username: grace.username },
    version: 1,
  });
  expect(textsOf(await grace.get('/api/v1/feed'))).toEqual(['three', 'one']);
});

it('forgets at once whom you no longer follow', async () => {
  await grace.post('gone');
  await ada.follow(grace.username);
  await ada.unfollow(grace.username);
  expect(textsOf(await ada.get('/api/v1/feed'))).toEqual([]);
});

it('is read in pages that meet without a gap or a repeat', async () => {
  await alan.post('first');
  await ada.follow(alan.username);
  await grace.post('second');
  await ada.follow(grace.username);
  const authors = [ada, grace, alan];
  for (let i = 0; i < 10; i += 1) await (authors[i % 3] as Caller).post(`post ${i}`);
  const whole = textsOf(await ada.get('/api/v1/feed?limit=100'));
  expect(whole).toHaveLength(12);

  for (const limit of [1, 4, 5, 11, 12, 13]) {
    const pages = await allPages(ada, limit);
    expect(pages.flatMap(textsOf)).toEqual(whole);
    expect(pages).toHaveLength(Math.ceil(12 / limit));
    expect(pages.at(-1)?.json.nextCursor).toBeNull();
  }
});

it('gives the same next page whether the cursor is read from the header or the body', async () => {
  for (let i = 0; i < 3; i += 1) await ada.post(`post ${i}`);
  const first = await ada.get('/api/v1/feed?limit=2');
  const byBody = await ada.get(`/api/v1/feed?limit=2&cursor=${first.json.nextCursor}`);
  expect((await ada.get(nextOf(first) as string)).text).toBe(byBody.text);
});

it('goes on where it was when posts are written and deleted meanwhile', async () => {
  for (let i = 0; i < 6; i += 1) await ada.post(`post ${i}`);
  const first = await ada.get('/api/v1/feed?limit=3');
  await ada.post('newer');
  const gone = [first.json.items[2].id, (await ada.get(nextOf(first) as string)).json.items[0].id];
  for (const id of gone) {
    expect((await ada.write('DELETE', `/api/v1/posts/${id}`)).status).toBe(204);
  }
  expect(textsOf(await ada.get(nextOf(first) as string))).toEqual(['post 1', 'post 0']);
});

it('holds 20 posts on a page unless told otherwise', async () => {
  for (let i = 0; i < 21; i += 1) await ada.post(`post ${i}`);
  expect(textsOf(await ada.get('/api/v1/feed'))).toHaveLength(20);
});

describe('a bad request', () => {
  let cursor: string;
  beforeEach(async () => {
    for (let i = 0; i < 2; i += 1) await ada.post(`post ${i}`);
    cursor = (await ada.get('/api/v1/feed?limit=1')).json.nextCursor;
  });

  it('refuses a cursor that is not from here', async () => {
    const forged = Buffer.concat([Buffer.alloc(16), Buffer.from('"00000000-0000-7000-8000-000000000000"')]);
    const cut = Buffer.from(cursor, 'base64url').subarray(0, -1).toString('base64url');
    for (const bad of ['', 'x', 'not a cursor', forged.toString('base64url'), cut, '%F0%9F%90%99']) {
      const { status, json } = await ada.get(`/api/v1/feed?cursor=${encodeURIComponent(bad)}`);
      expect([bad, status, json.code]).toEqual([bad, 400, 'INVALID_CURSOR']);
    }
  });

  it('refuses somebody else’s cursor', async () => {
    const { status, json } = await grace.get(`/api/v1/feed?cursor=${cursor}`);
    expect([status, json.code]).toEqual([400, 'INVALID_CURSOR']);
  });

  it.each([
    'limit=0',
    'limit=101',
    'limit=-1',
    'limit=1.5',
    'limit=many',
    'limit=1&limit=2',
    'limit[]=1',
    'unknown=1',
    'cursor=a&cursor=b',
    `cursor=${'a'.repeat(513)}`,
  ])('refuses ?%s', async (query) => {
    const { status, json } = await ada.get(`/api/v1/feed?${query}`);
    expect([status, json.code]).toEqual([400, 'VALIDATION_FAILED']);
    expect(json.errors[0]).toMatchObject({ in: 'query' });
  });

  it('asks who you are', async () => {
    expect((await app.anonymous().get(`/api/v1/feed?cursor=${cursor}`)).status).toBe(401);
  });
});

it('reads its ids from the index alone', async () => {
  await app.rows(`
    insert into posts.profiles (user_id, username, created_at) select gen_random_uuid(), 'many_' || i, now() from generate_series(1, 200) i`);
  await app.rows(`
    insert into posts.posts (id, author_id, text, created_at, version)
    select ('01900000-' || lpad(to_hex(n % 65536), 4, '0') || '-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
           user_id, 'text of some length, so that a row costs something to read', now(), 1
      from (select user_id, row_number() over () as n from posts.profiles, generate_series(1, 40)
             where username like 'many_%') rows`);
  await ada.post('mine');
  await app.rows(
    `insert into posts.follows (follower_id, followee_id)
     select $1, user_id from posts.profiles where username like 'many_%'`,
    [ada.id],
  );
  await app.rows('vacuum analyze posts.posts');
  await app.rows('analyze posts.follows');

  // The server may plan for these values or, after a few times, for any.
  for (const mode of ['force_custom_plan', 'force_generic_plan']) {
    const nodes = (
      await plansOf(mode, (db) => new FeedRepository(db).home(ada.id, { before: undefined, limit: 21 }))
    )
      .filter((node) => node['Relation Name'] === 'posts')
      .map((node) => [node['Node Type'], node['Actual Rows'] <= 21, node['Actual Loops']]);
    expect([mode, ...nodes]).toEqual([mode, ['Index Only Scan', true, 201]]);
  }
});

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  Plans?: PlanNode[];
}

/** How PostgreSQL carries out what `work` asks of it. */
async function plansOf(mode: string, work: (db: Queryable) => Promise<unknown>): Promise<PlanNode[]> {
  const admin = createDatabase({ url: app.database.adminUrl });
  try {
    return await admin.transaction(async (trx) => {
      await trx.query('mode', `set local plan_cache_mode = ${mode}`);
      await trx.query('path', 'set local search_path = posts');
      const nodes: PlanNode[] = [];
      await work({
        run: trx.run.bind(trx),
        query: async (name, text, values = []) => {
          await trx.query('prepare', `prepare ${name} as ${text}`);
          const { rows } = await trx.query<{ 'QUERY PLAN': { Plan: PlanNode }[] }>(
            'explain',
            `explain (analyze, format json) execute ${name} (${values.map((value) => `'${value}'`).join(', ')})`,
          );
          const visit = (node: PlanNode): void => {
            nodes.push(node);
            node.Plans?.forEach(visit);
          };
          rows[0]?.['QUERY PLAN'].forEach(({ Plan }) => visit(Plan));
          return { rows: [], rowCount: 0 };
        },
      });
      return nodes;
    });
  } finally {
    await admin.close();
  }
}
