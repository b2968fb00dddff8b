import { toProblem } from '@rostrum/errors';
import { createTestDatabase, type TestDatabase } from '@rostrum/testing';
import { createDatabase, sqlProblem, type Database } from '../index';

let own: TestDatabase;
let database: Database;

beforeAll(async () => {
  const create = `
    create table owners (id int primary key);
    create table things (
      id uuid, name varchar(5) not null unique, size smallint check (size > 0), owner int references owners,
      during int4range, exclude using gist (during with &&))`;
  own = await createTestDatabase('alpha', {
    source: { '1-create': { up: async (knex) => void (await knex.raw(create)) } },
  });
  database = createDatabase({ url: own.url, max: 2 });
  await database.query('owner', 'insert into owners values (1)');
  await database.query('thing', `insert into things values (null, 'taken', 1, 1, '[1,5)')`);
});

afterAll(async () => {
  await database.close();
  await own.drop();
});

const outcome = async (text: string, values: unknown[] = []) => {
  const error: unknown = await database.query(text, text, values).catch((reason: unknown) => reason);
  const { status, code } = toProblem(sqlProblem(error), { instance: '', requestId: '' });
  return `${status} ${code}`;
};

it.each([
  ['a key that is taken', `insert into things (name) values ($1)`, ['taken'], '409 ALREADY_EXISTS'],
  ['what overlaps', `insert into things values (null, 'b', 1, 1, $1)`, ['[2,3)'], '409 ALREADY_EXISTS'],
  [
    'a reference to nothing',
    `insert into things (name, owner) values ('b', $1)`,
    [7],
    '409 REFERENCE_CONFLICT',
  ],
  ['what others point to', 'delete from owners where id = $1', [1], '409 REFERENCE_CONFLICT'],
  ['nothing where something must be', 'insert into things (name) values ($1)', [null], '400 INVALID_VALUE'],
  ['what a check refuses', `insert into things (name, size) values ('b', $1)`, [0], '400 INVALID_VALUE'],
  ['a text too long', 'insert into things (name) values ($1)', ['too long'], '400 INVALID_VALUE'],
  ['a number too large', `insert into things (name, size) values ('b', $1)`, [40_000], '400 INVALID_VALUE'],
  ['the NUL character', 'insert into things (name) values ($1)', ['\u0000'], '400 INVALID_VALUE'],
  ['no uuid', 'select from things where id = $1', ['no uuid'], '400 INVALID_VALUE'],
  ['no date', 'select $1::timestamptz', ['2026-02-31'], '400 INVALID_VALUE'],
  ['no JSON', 'select $1::jsonb', ['{'], '400 INVALID_VALUE'],
  ['no pattern', `select 'a' ~ $1`, ['('], '400 INVALID_VALUE'],
  ['a pattern that ends too early', `select 'a' like $1`, ['\\'], '400 INVALID_VALUE'],
])('%s is the caller’s matter', async (_what, text, values, expected) => {
  expect(await outcome(text, values)).toBe(expected);
});

it.each([
  ['a statement that is wrong', 'select nothing from nowhere'],
  ['a division by zero', 'select 1 / 0'],
  ['what the role may not do', 'drop table things'],
])('%s is our own mistake', async (_what, text) => {
  expect(await outcome(text)).toBe('500 INTERNAL_ERROR');
});

it('what another try may get is worth another try', async () => {
  const raise = (code: string) => `do $$ begin raise exception using errcode = '${code}'; end $$`;
  expect(await outcome(raise('40001'))).toBe('503 TRANSACTION_CONFLICT');
  expect(await outcome(raise('40P01'))).toBe('503 TRANSACTION_CONFLICT');
  expect(await outcome(raise('55P03'))).toBe('503 POSTGRES_UNAVAILABLE');
  expect(await outcome(raise('53300'))).toBe('503 POSTGRES_UNAVAILABLE');
  expect(await outcome(raise('53100'))).toBe('503 POSTGRES_UNAVAILABLE');
  expect(await outcome(raise('57P01'))).toBe('503 POSTGRES_UNAVAILABLE');
  expect(await outcome(raise('58030'))).toBe('503 POSTGRES_UNAVAILABLE');
});

it('what is no error of the database, or has its answer already, stays what it is', () => {
  const error = new Error('other');
  expect(sqlProblem(error)).toBe(error);
  expect(sqlProblem(undefined)).toBeUndefined();
});
