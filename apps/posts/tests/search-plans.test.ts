import { createDatabase, type Database } from '@rostrum/data-access';
import {
  peopleByStartStatement,
  postsStatement,
  similarPeopleStatement,
  similarTagsStatement,
  tagsByStartStatement,
} from '../src/search/search-statements';
import { PostsApp } from './posts-app';

const many = 20_000;
const newest = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
const id = (n: string) => `('0190b5a0-0000-7000-8000-' || lpad(to_hex(${n}), 12, '0'))::uuid`;

let app: PostsApp;
/** As the service itself, which has the plans made for what is asked. */
let database: Database;

beforeAll(async () => {
  app = await PostsApp.start();
  database = createDatabase({ url: app.database.url, max: 1, queryTimeoutMs: 60_000 });
  await app.rows(
    `insert into posts.profiles (user_id, username, display_name, created_at)
     select ${id('n')}, substr(md5(n::text), 1, 12), 'Number ' || n, now() from generate_series(1, $1::int) n`,
    [many],
  );
  await app.rows(
    `insert into posts.posts (id, author_id, text, created_at)
     select ${id('n')}, ${id('n')}, 'All say this, and one says ' || md5(n::text), now()
       from generate_series(1, $1::int) n`,
    [many],
  );
  await app.rows(
    `insert into posts.post_tags (tag, post_id)
     select case when n % 2 = 0 then 'everywhere' else 'tag' || n end, ${id('n')} from generate_series(1, $1::int) n`,
    [many],
  );
  await app.rows('vacuum analyze posts.posts');
  await app.rows('vacuum analyze posts.profiles');
  await app.rows('vacuum analyze posts.post_tags');
  await app.rows('vacuum analyze posts.tags');
});
afterAll(async () => {
  await database.close();
  await app.stop();
});

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Actual Rows': number;
  'Rows Removed by Filter'?: number;
  Plans?: PlanNode[];
}

/** All parts of the plan that a statement was run by. */
async function planOf(statement: string, values: (string | number)[]): Promise<PlanNode[]> {
  const explained = database.knex.raw(`explain (analyze, timing off, format json) ${statement}`, values);
  const { rows } = await database.run<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>('explain', explained);
  const nodes = ({ Plans = [], ...node }: PlanNode): PlanNode[] => [node, ...Plans.flatMap(nodes)];
  return rows.flatMap((row) => nodes(row['QUERY PLAN'][0].Plan));
}

const indexesOf = (plan: PlanNode[]) => plan.flatMap((node) => node['Index Name'] ?? []);
const sequential = (plan: PlanNode[]) => plan.filter((node) => node['Node Type'].includes('Seq Scan'));
/** Rows that were looked at in tables, whether they were wanted or not. */
const looked = (plan: PlanNode[]) =>
  plan
    .filter((node) => node['Relation Name'])
    .reduce((sum, node) => sum + node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0), 0);

const planOfPosts = (text: string, before: string) => {
  const words = JSON.stringify([[{ text, excluded: false }]]);
  return planOf(postsStatement, [words, before, 21, before, words, 21]);
};

it('takes posts with a rare word from the index of words', async () => {
  const [rare] = await app.rows<{ md5: string }>('select md5($1::text)', ['77']);
  const plan = await planOfPosts(rare?.md5 ?? '', newest);
  expect([sequential(plan), indexesOf(plan)]).toEqual([[], ['posts_by_words', 'posts_without_words']]);
  expect(looked(plan)).toBe(1);
});

it.each([newest, '0190b5a0-0000-7000-8000-000000001000'])(
  'looks at no more posts than a page has, where all have the word, from %s on',
  async (before) => {
    const plan = await planOfPosts('say', before);
    expect([sequential(plan), indexesOf(plan)]).toEqual([[], ['posts_pkey', 'posts_without_words']]);
    expect(looked(plan)).toBe(21);
  },
);

it('takes people with a similar name from the index of trigrams', async () => {
  const [person] = await app.rows<{ name: string }>('select substr(md5($1::text), 1, 12) as name', ['77']);
  const name = person?.name ?? '';
  const values = [name, name, ' ', 'infinity', 'infinity', '', 21];
  const plan = await planOf(similarPeopleStatement, values);
  expect([sequential(plan), indexesOf(plan)]).toEqual([[], ['people_by_names']]);
  expect(looked(plan)).toBeLessThan(many / 100);
});

it('takes usernames by what they begin with from their index, a page of them', async () => {
  const plan = await planOf(peopleByStartStatement, ['a', 'b', '', 21]);
  expect([sequential(plan), indexesOf(plan)]).toEqual([[], ['people_by_start']]);
  expect(looked(plan)).toBe(21);
});

it.each(['everywhere', 'e'])('goes from tag to tag, however many posts have one (%s)', async (start) => {
  const plan = await planOf(tagsByStartStatement, [start, '', start, start, 21, 5]);
  expect(sequential(plan)).toEqual([]);
  expect(new Set(indexesOf(plan))).toEqual(new Set(['tags_by_start', 'posts_with_tag']));
  expect(looked(plan)).toBeLessThan(20);
});

it('takes similar tags from the index of trigrams, and the newest posts of each from theirs', async () => {
  const plan = await planOf(similarTagsStatement, [
    ...['tag12345x', 'tag12345x', 'tag12345x'],
    ...['infinity', 'infinity', '', 21, 5],
  ]);
  expect(sequential(plan)).toEqual([]);
  expect(new Set(indexesOf(plan))).toEqual(new Set(['tags_by_likeness', 'posts_with_tag']));
  expect(looked(plan)).toBeLessThan(many / 10);
});
