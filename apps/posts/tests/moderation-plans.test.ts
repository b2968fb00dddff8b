import { createDatabase, type Database, type Queryable } from '@rostrum/data-access';
import { escapeLiteral } from 'pg';
import { CasesRepository } from '../src/moderation/cases.repository';
import { ModerationLog } from '../src/moderation/moderation-log.repository';
import { ReportsRepository } from '../src/moderation/reports.repository';
import { PersonCasesRepository } from '../src/person-moderation/person-cases.repository';
import { PersonReportsRepository } from '../src/person-moderation/person-reports.repository';
import { PostsApp } from './posts-app';

const many = 20_000;
/** Of these, one has all reports and all that moderators have done. */
const id = (n: string | number) => `('0190b5a0-0000-7000-8000-' || lpad(to_hex(${n}), 12, '0'))::uuid`;
const busy = '0190b5a0-0000-7000-8000-000000000001';
const middle = '0190b5a0-0000-7000-8000-000000002000';
const nobody = '00000000-0000-0000-0000-000000000000';

let app: PostsApp;
let database: Database;

beforeAll(async () => {
  app = await PostsApp.start();
  database = createDatabase({ url: app.database.url, max: 1, queryTimeoutMs: 60_000 });
  const fill = (columns: string, values: string, count = many) =>
    app.rows(`insert into posts.${columns} select ${values} from generate_series(1, $1::int) n`, [count]);
  await fill('profiles (user_id, username, created_at)', `${id('n')}, substr(md5(n::text), 1, 12), now()`);
  await fill('posts (id, author_id, text, created_at)', `${id('n')}, ${id('n')}, 'Post ' || n, now()`);
  const state = (one: string, other: string) => `case when n % 2 = 0 then '${one}' else '${other}' end`;
  await fill(
    'moderation_cases (post_id, state, position)',
    `${id('n')}, ${state('open', 'dismissed')}, ${id('n')}`,
  );
  await fill(
    'person_cases (person_id, state, position)',
    `${id('n')}, ${state('open', 'closed')}, ${id('n')}`,
  );
  const reports = `gen_random_uuid(), ${id(1)}, ${id('n')}, 'spam'`;
  await fill('post_reports (id, post_id, reporter_id, reason, version, round)', `${reports}, 1, 1`);
  await fill('person_reports (id, person_id, reporter_id, reason, round)', `${reports}, 1`);
  await fill(
    'moderation_log (id, post_id, kind, actor_id, reason, version, about)',
    `${id('n')}, ${id(1)}, (array['claimed', 'hidden', 'claimed', 'restored'])[n % 4 + 1], ${id('n')},
     case when n % 2 = 1 then 'Rule 7' end, 1, case when n % 4 = 3 then ${id('n - 2')} end`,
  );
  for (const table of ['profiles', 'posts', 'moderation_cases', 'person_cases', 'post_reports'])
    await app.rows(`vacuum analyze posts.${table}`);
  for (const table of ['person_reports', 'moderation_log']) await app.rows(`vacuum analyze posts.${table}`);
});
afterAll(async () => {
  await database.close();
  await app.stop();
});

interface PlanNode {
  'Relation Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  Plans?: PlanNode[];
}

/** Rows of tables that were looked at, wanted or not, each as often as it was. */
const looked = ({ Plans = [], ...node }: PlanNode): number => {
  const rows = node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0);
  const own = node['Relation Name'] === undefined ? 0 : rows * node['Actual Loops'];
  return Plans.reduce((sum, each) => sum + looked(each), own);
};

const literal = (value: unknown): string => {
  if (Array.isArray(value)) return escapeLiteral(`{${value.join(',')}}`);
  return value === null || value === undefined ? 'null' : escapeLiteral(String(value));
};

let statements = 0;

/** How many rows a statement looks at by the plan that serves whatever is asked, as it does of prepared ones. */
async function rowsOf(ask: (db: Queryable) => Promise<unknown>): Promise<number> {
  let rows = 0;
  await database.transaction(async (trx) => {
    const run = <T extends object>(text: string) => trx.query<T>(`plan_${(statements += 1)}`, text);
    const explaining = {
      query: async (name: string, text: string, values: readonly unknown[] = []) => {
        await run('set local plan_cache_mode = force_generic_plan');
        await run(`prepare explained_${name} as ${text}`);
        const given = values.map(literal).join(', ');
        const found = await run<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
          `explain (analyze, timing off, format json) execute explained_${name} (${given})`,
        );
        await run(`deallocate explained_${name}`);
        rows += found.rows.reduce((sum, row) => sum + looked(row['QUERY PLAN'][0].Plan), 0);
        return { rows: [], rowCount: 0 };
      },
    };
    // All that a repository asks of it.
    await ask(explaining as unknown as Queryable);
  });
  return rows;
}

const page = { moderatorId: nobody, limit: 21 } as const;
const kinds = ['claimed', 'hidden', 'restored'] as const;

it.each<[what: string, ask: (db: Queryable) => Promise<unknown>, most: number]>([
  ['the queue', (db) => new CasesRepository(db).queue({ ...page, state: 'open', after: undefined }), 100],
  ['a later page', (db) => new CasesRepository(db).queue({ ...page, state: 'open', after: middle }), 100],
  ['people', (db) => new PersonCasesRepository(db).queue({ ...page, state: 'open', after: undefined }), 100],
  ['a case', (db) => new CasesRepository(db).find(busy), 3],
  ['the newest reports', (db) => new ReportsRepository(db).of(busy, 200), 500],
  ['those of a person', (db) => new PersonReportsRepository(db).of(busy, 200), 500],
  ['the newest deeds', (db) => new ModerationLog(db).of(busy, { kinds, limit: 200 }), 1_000],
  ['who has hidden it', (db) => new ModerationLog(db).lastHiding(busy), 10],
  ['who has reported it', (db) => new ReportsRepository(db).find(busy, busy), 3],
  ['how much waits', (db) => new CasesRepository(db).waiting(), 5_000],
  ['how many people wait', (db) => new PersonCasesRepository(db).waiting(), 5_000],
])('%s takes few rows, of however many', async (_what, ask, most) => {
  const rows = await rowsOf(ask);
  expect(rows).toBeLessThanOrEqual(most);
});
