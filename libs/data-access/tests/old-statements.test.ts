import { createTestDatabase, type TestDatabase } from '@rostrum/testing';
import type { Migration, MigrationConfig, MigrationMap } from '../src';
import { runOldStatements } from '../src/migrations/schema-checks';

let rehearsal: TestDatabase;
let real: TestDatabase;

beforeEach(async () => {
  [rehearsal, real] = await Promise.all([
    createTestDatabase('alpha', { source: {} }),
    createTestDatabase('alpha', { source: {} }),
  ]);
});

afterEach(() => Promise.all([rehearsal.drop(), real.drop()]));

const sql = (text: string, config: MigrationConfig = {}): Migration => ({
  up: (knex) => knex.raw(text),
  config,
});

const base: MigrationMap = {
  '1-base': sql(`create table one (id bigint generated always as identity primary key, n int, txt text);
                 insert into one (n, txt) select n, 'row' from generate_series(1, 1000) n;
                 create table two (id int primary key)`),
};

const run = async (steps: MigrationMap) => {
  const reports = await runOldStatements(
    { rehearsal, real },
    { source: { ...base, ...steps }, schema: 'alpha' },
  );
  return Object.fromEntries(reports.map(({ migration, errors }) => [migration, errors.join('; ')]));
};

it('sees nothing of steps that expand the schema, one after the other', async () => {
  const steps = {
    '2-column': sql(
      'alter table one add column size int, add column seen timestamptz not null default now()',
    ),
    '3-index': sql('create index concurrently if not exists one_n on one (n)', { transaction: false }),
    '4-check': sql('alter table one add constraint positive check (n > 0) not valid'),
    '5-validate': sql('alter table one validate constraint positive'),
    '6-table': sql('create table three (id int references two)'),
    '7-fill': sql('update one set size = 1 where id < 500', { transaction: false }),
  };
  const reports = await runOldStatements(
    { rehearsal, real },
    { source: { ...base, ...steps }, schema: 'alpha' },
  );
  process.stdout.write(
    reports
      .map(
        ({ migration, statements, longestMs }) =>
          `${migration}: ${statements} statements, longest ${longestMs} ms\n`,
      )
      .join(''),
  );
  expect(reports.flatMap(({ errors }) => errors)).toEqual([]);
  expect(reports.slice(1).every(({ statements }) => statements >= 16)).toBe(true);
});

it.each([
  ['alter table one rename column n to m', /column "n".* does not exist/],
  ['alter table one drop column txt', /column "txt".* does not exist/],
  ['drop table two', /relation "alpha.two" does not exist/],
  ['alter table one alter column n type text', /cached plan must not change result type/],
  ['revoke insert on one from rostrum_alpha', /permission denied/],
])('sees %s', async (step, error) => {
  expect(await run({ '2-step': sql(step) })).toEqual({
    '1-base': '',
    '2-step': expect.stringMatching(error) as string,
  });
});

it('does without what a contract step drops, and without nothing else', async () => {
  const contract = { contract: 'version 1.4 was the last to use it' };
  expect(await run({ '2-step': sql('alter table one drop column txt; drop table two', contract) })).toEqual({
    '1-base': '',
    '2-step': '',
  });
});
