import { randomUUID } from 'node:crypto';
import { createTestDatabase, type TestDatabase } from '@rostrum/testing';
import {
  createDatabase,
  createIdempotencyTable,
  dropIdempotencyTable,
  IdempotencyKeys,
  type Database,
} from '../src/index';

const schema = 'things';
const source = {
  '20260101000000-keys': {
    up: (knex: Parameters<typeof createIdempotencyTable>[0]) => createIdempotencyTable(knex, schema),
    down: (knex: Parameters<typeof createIdempotencyTable>[0]) => dropIdempotencyTable(knex, schema),
  },
};
const reply = { status: 201, headers: ['Location', '/1'], body: '{}' };
const keys = new IdempotencyKeys({ schema });
let testDatabase: TestDatabase;
let database: Database;

beforeAll(async () => {
  testDatabase = await createTestDatabase(schema, { source });
  database = createDatabase({ url: testDatabase.url, max: 3 });
});
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

const newWrite = () => ({
  userId: randomUUID(),
  operation: 'make',
  key: 'mine',
  fingerprint: Buffer.from('what'),
});

it('keeps what was answered as it was', async () => {
  const write = newWrite();
  await database.transaction(async (trx) => {
    expect(await keys.find(trx, write)).toEqual({ state: 'free' });
    expect(await keys.keep(trx, write, reply)).toBe(true);
  });
  await database.transaction(async (trx) => {
    expect(await keys.find(trx, write)).toEqual({ state: 'kept', reply });
    const other = { ...write, fingerprint: Buffer.from('something else') };
    expect(await keys.find(trx, other)).toEqual({ state: 'mismatch' });
  });
});

it('lets one through alone, also where nobody looked for the key first', async () => {
  const write = newWrite();
  const results = await Promise.all(
    [1, 2, 3].map(() => database.transaction((trx) => keys.keep(trx, write, reply))),
  );
  expect(results.sort()).toEqual([false, false, true]);
});

it('holds a key that was found free to the end of the transaction, and no other', async () => {
  const write = newWrite();
  const find = (what: typeof write) => database.transaction((trx) => keys.find(trx, what));
  await database.transaction(async (trx) => {
    await keys.find(trx, write);
    expect(await find(write)).toEqual({ state: 'in-flight' });
    expect(await find({ ...write, operation: 'break' })).toEqual({ state: 'free' });
    expect(await find(newWrite())).toEqual({ state: 'free' });
  });
  expect(await find(write)).toEqual({ state: 'free' });
});
