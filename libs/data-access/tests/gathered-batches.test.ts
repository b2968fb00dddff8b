import { setImmediate as turn } from 'node:timers/promises';
import { createTestDatabase, waitFor, type TestDatabase } from '@rostrum/testing';
import {
  createDatabase,
  createGatheredWrite,
  withTextArrays,
  type createIdempotencyTable,
  type Database,
} from '../src';

type Knex = Parameters<typeof createIdempotencyTable>[0];
const source = {
  '20260101000000-words': {
    up: (knex: Knex) => knex.raw('create table words.words (word text primary key)'),
    down: (knex: Knex) => knex.raw('drop table words.words'),
  },
};
let own: TestDatabase;
let database: Database;

beforeAll(async () => {
  own = await createTestDatabase('words', { source });
  database = createDatabase({ url: own.url, max: 4 });
});
afterAll(async () => {
  await database.close(100);
  await own.drop();
});

/** With the sizes of the statements that have been sent, and of those that stand. None is over before this. */
function openWords(enough: number, before: Promise<unknown> = Promise.resolve()) {
  const { query } = withTextArrays(database);
  const sizes: number[] = [];
  const standing: number[] = [];
  const noted: typeof query = async (...statement) => {
    const { length } = statement[2]?.[0] as unknown[];
    sizes.push(length);
    const answer = await query(...statement);
    standing.push(length);
    await before;
    // What its rows are is the caller's business.
    return answer as never;
  };
  const add = createGatheredWrite<string>({
    db: { query: noted },
    name: 'words.add',
    text: 'insert into words.words select unnest($1::text[])',
    valuesOf: (word) => [word],
    enough,
  });
  return { add, sizes, standing };
}

const wordsNow = async () =>
  (await database.query<{ word: string }>('words', 'select word from words.words order by word')).rows.map(
    ({ word }) => word,
  );

it('items are sent at once when there are enough, though others are under way', async () => {
  const { add, sizes } = openWords(3);
  const writes = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map(add);
  expect(sizes).toEqual([3, 3]);
  await Promise.all(writes);
  expect(sizes).toEqual([3, 3, 1]);
  expect(await wordsNow()).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
});

it('items are gathered on when another statement is over', async () => {
  const over = Promise.withResolvers<undefined>();
  const { add, sizes, standing } = openWords(50, over.promise);
  const first = add('one');
  await waitFor(() => standing.length === 1);
  const second = add('two');
  over.resolve(undefined);
  await turn();
  await Promise.all([first, second, add('three')]);
  expect(sizes).toEqual([1, 2]);
});
