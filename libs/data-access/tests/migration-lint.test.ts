import fs from 'node:fs';
import path from 'node:path';
import { createTestDatabase, type TestDatabase } from '@rostrum/testing';
import { withClient, type Migration, type MigrationConfig, type MigrationMap } from '../src';
import { lintMigrations, lintRules, type Finding } from '../src/migrations/schema-checks';

let own: TestDatabase;

beforeAll(async () => {
  own = await createTestDatabase('alpha', { source: {} });
});

afterAll(() => own.drop());

beforeEach(() =>
  withClient(own.adminUrl, async (client) => {
    await client.query(
      `drop schema alpha cascade; create schema alpha authorization rostrum_alpha_owner;
       grant usage on schema alpha to rostrum_alpha`,
    );
  }),
);

const base: MigrationMap = {
  '1-base': {
    up: (knex) =>
      knex.raw(`
        create type mood as enum ('good', 'bad');
        create table two (id int primary key);
        create table one (
          id int primary key, n int, txt varchar(10), filled int not null default 1, wide text,
          constraint n_is_there check (n is not null)
        );
        create index one_txt on one (txt);
        create view ones as select id from one;
        create function answer() returns int language sql as 'select 42';
        grant select, insert on one to rostrum_alpha`),
  },
};

const lint = (source: MigrationMap) => lintMigrations(own.ownerUrl, { source, schema: 'alpha' });

const sql = (text: string, config: MigrationConfig = {}): Migration => ({
  up: (knex) => knex.raw(text),
  config,
});

const rulesOf = (findings: Finding[]) => [...new Set(findings.map(({ rule }) => rule))].sort();

const lintSql = async (text: string, config: MigrationConfig = {}) =>
  rulesOf(await lint({ ...base, '2-change': sql(text, config) }));

const contract = { contract: 'version 1.4 was the last to use it' };
const outside = { transaction: false };

const refused: [rule: string, text: string, config?: MigrationConfig][] = [
  ['add-not-null-column', 'alter table one add column x int not null'],
  ['add-not-null-column', 'do $$ begin alter table one add column x int not null; end $$'],
  ['rewrite', 'alter table one add column x timestamptz default clock_timestamp()'],
  ['rewrite', 'alter table one add column x uuid not null default gen_random_uuid()'],
  ['rewrite', 'alter table one add column x int generated always as (n + 1) stored'],
  ['rewrite', 'alter table one add column x bigserial'],
  ['rewrite', 'truncate two'],
  ['rewrite', `do $$ begin execute 'cluster one using one_pkey'; end $$`],
  ['change-type', 'alter table one alter column n type bigint'],
  ['change-type', 'alter table one alter column txt type varchar(5)'],
  ['change-type', 'alter table one alter column wide type varchar(500)'],
  ['rename-column', 'alter table one rename column n to m'],
  ['rename', 'alter table one rename to eins'],
  ['rename', `alter type mood rename value 'good' to 'fine'`],
  ['rename', 'alter function answer() rename to question'],
  ['drop-column', 'alter table one drop column wide'],
  ['drop', 'drop table two'],
  ['drop', 'drop view ones'],
  ['drop', 'drop function answer()'],
  ['drop', 'drop type mood'],
  ['drop-default', 'alter table one alter column filled drop default'],
  ['create-index', 'create index one_n on one (n)'],
  ['create-index', 'alter table one add constraint one_n_key unique (n)'],
  ['create-index', 'alter table one add column x int unique'],
  ['drop-index', 'drop index one_txt'],
  ['constraint-checked-at-once', 'alter table one add constraint positive check (n > 0)'],
  ['constraint-checked-at-once', 'alter table one add constraint ref foreign key (n) references two'],
  ['constraint-checked-at-once', 'alter table one add column x int references two'],
  ['set-not-null', 'alter table one alter column wide set not null'],
  ['scan-under-lock', 'alter table one add column x int; create table copied as select id from one'],
  [
    'scan-under-lock',
    'alter table one add constraint positive check (n > 0) not valid; alter table one validate constraint positive',
  ],
  ['all-rows', 'update one set n = 1'],
  ['all-rows', 'delete from two', outside],
  ['lock-timeout', 'set local lock_timeout = 0; alter table one add column x int'],
  ['lock-timeout', `select set_config('lock_timeout', '1min', true); alter table one add column x int`],
  ['transaction-control', 'commit'],
  ['outside-transaction', 'alter table one add column x int', outside],
  ['not-repeatable', 'create index concurrently one_n on one (n)', outside],
  ['not-repeatable', 'drop index concurrently one_txt', outside],
  ['revoke', 'revoke insert on one from rostrum_alpha'],
  ['fails', 'create index concurrently if not exists one_n on one (n)'],
  ['fails', 'create table one (id int)'],
  ['fails', 'this is no SQL'],
];

describe('refuses', () => {
  it.each(refused)('%s: %s', async (rule, text, config = {}) => {
    expect(await lintSql(text, config)).toContain(rule);
  });
});

describe('accepts', () => {
  it.each<[what: string, text: string, config?: MigrationConfig]>([
    ['an empty column', 'alter table one add column x int'],
    ['a column with a constant', 'alter table one add column x int not null default 1'],
    ['the time of the migration', 'alter table one add column x timestamptz not null default now()'],
    ['a wider text', 'alter table one alter column txt type varchar(20)'],
    ['a text without limit', 'alter table one alter column txt type text'],
    ['a constraint for later', 'alter table one add constraint positive check (n > 0) not valid'],
    ['a reference for later', 'alter table one add constraint ref foreign key (n) references two not valid'],
    ['"not null" that a check has shown', 'alter table one alter column n set not null'],
    ['less strictness', 'alter table one alter column filled drop not null'],
    ['another default', 'alter table one alter column filled set default 2'],
    ['more values', `alter type mood add value 'fine'`],
    ['an index that shuts out nobody', 'create index concurrently if not exists one_n on one (n)', outside],
    ['an index that goes likewise', 'drop index concurrently if exists one_txt', outside],
    [
      'rows in batches',
      'update one set n = 1 where id in (select id from one where n = 0 limit 100)',
      outside,
    ],
    [
      'a function that changes',
      `create or replace function answer() returns int language sql as 'select 43'`,
    ],
    ['a right that is given', 'grant update on one to rostrum_alpha'],
    ['a shorter wait', 'set local lock_timeout = 100; alter table one add column x int'],
    [
      'a trigger',
      'create trigger t before update on one for each row execute function suppress_redundant_updates_trigger()',
    ],
    [
      'dropping a column when the time has come',
      'drop view ones; alter table one drop column wide',
      contract,
    ],
    ['dropping a table when the time has come', 'drop table two', contract],
    [
      'dropping a default when the time has come',
      'alter table one alter column filled drop default',
      contract,
    ],
    ['taking a right when the time has come', 'revoke insert on one from rostrum_alpha', contract],
    [
      'anything with what it has made itself',
      `create table new (id int, n int); create index on new (n); alter table new add check (n > 0);
       insert into new select 1, 1; update new set n = 2; alter table new alter n set not null;
       alter table new rename n to m; alter table new add column x int not null default random();
       create table newer (id int references two); drop table newer`,
    ],
  ])('%s', async (_what, text, config: MigrationConfig = {}) => {
    expect(await lint({ ...base, '2-change': sql(text, config) })).toEqual([]);
  });

  it('a constraint that is validated in a migration after that, and "not null" after that', async () => {
    const steps = [
      'alter table one add constraint wide_is_there check (wide is not null) not valid',
      'alter table one validate constraint wide_is_there',
      'alter table one alter column wide set not null; alter table one drop constraint wide_is_there',
    ];
    const migrations = Object.fromEntries(steps.map((text, index) => [`${index + 2}-step`, sql(text)]));
    expect(await lint({ ...base, ...migrations })).toEqual([]);
  });

  it('a unique constraint that takes over an index built before', async () => {
    const findings = await lint({
      ...base,
      '2-index': sql('create unique index concurrently if not exists one_n on one (n)', outside),
      '3-constraint': sql('alter table one add constraint one_n_key unique using index one_n'),
    });
    expect(findings).toEqual([]);
  });
});

it('does not make more of a contract step than it is', async () => {
  expect(await lintSql('alter table one rename to eins', contract)).toEqual(['rename']);
});

it('judges what knex makes, too', async () => {
  const migration: Migration = {
    up: (knex) =>
      knex.schema.alterTable('one', (table) => {
        table.integer('x').notNullable();
        table.index(['n'], 'one_n');
      }),
  };
  expect(rulesOf(await lint({ ...base, '2-change': migration }))).toEqual([
    'add-not-null-column',
    'create-index',
  ]);
});

it('says which statement is to blame, why, and what to do instead', async () => {
  const findings = await lint({
    ...base,
    '2-change': sql('alter table one add column é int; create index\n  one_n on one (n)'),
  });
  expect(findings).toEqual([
    {
      migration: '2-change',
      rule: 'create-index',
      message: expect.stringMatching(/^one_n is built while nobody can write to its table: build it with/),
      statement: 'create index one_n on one (n)',
    },
  ]);
});

describe('an exemption', () => {
  const index = 'create index one_n on one (n)';
  const exempt = (exemptions: Record<string, string>) => lintSql(index, { exempt: exemptions });

  it('excuses what it names, with a reason', async () => {
    expect(await exempt({ 'create-index': 'the table has a dozen rows' })).toEqual([]);
  });

  it('needs a reason', async () => {
    expect(await exempt({ 'create-index': 'small' })).toEqual(['exemption']);
  });

  it('needs any reason at all', async () => {
    expect(await exempt({ 'create-index': '' })).toEqual(['create-index', 'exemption']);
  });

  it('excuses nothing else, and must excuse something', async () => {
    expect(await exempt({ rewrite: 'nobody reads it at that time' })).toEqual(['create-index', 'exemption']);
  });
});

describe('the way back', () => {
  const lintDown = async (up: string, down: string) =>
    lint({
      ...base,
      '2-change': { up: (knex) => knex.raw(up), down: (knex) => knex.raw(down) },
    });

  it('is accepted when it undoes what up does', async () => {
    const findings = await lintDown(
      'alter table one add column x int; create table new (id int)',
      'drop table new; alter table one drop column x',
    );
    expect(findings).toEqual([]);
  });

  it('may leave a constraint validated', async () => {
    const findings = await lint({
      ...base,
      '2-add': {
        up: (knex) => knex.raw('alter table one add constraint positive check (n > 0) not valid'),
        down: (knex) => knex.raw('alter table one drop constraint positive'),
      },
      '3-validate': {
        up: (knex) => knex.raw('alter table one validate constraint positive'),
        down: () => Promise.resolve(),
      },
    });
    expect(findings).toEqual([]);
  });

  it.each([
    ['leaves something', 'drop table new', /down does not undo what up does: leaves column one.x integer/],
    [
      'takes too much',
      'drop table new; alter table one drop column x, drop column wide',
      /lacks column one.wide/,
    ],
    ['fails', 'drop table newer', /^down: .*"newer" does not exist/],
  ])('is refused when it %s', async (_what, down, message) => {
    const findings = await lintDown('alter table one add column x int; create table new (id int)', down);
    expect(findings).toEqual([
      { migration: '2-change', rule: 'fails', message: expect.stringMatching(message) as string },
    ]);
  });
});

it('has a test and a line in the documentation for each of its rules', () => {
  const names = lintRules.map(({ name }) => name);
  const documentation = fs.readFileSync(path.join(__dirname, '../../../docs/migrations.md'), 'utf8');
  expect(names.filter((name) => !documentation.includes(`\`${name}\``))).toEqual([]);
  expect(names.filter((name) => !refused.some(([rule]) => rule === name))).toEqual([]);
});
