import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { createTestDatabase, waitFor, type TestDatabase } from '@rostrum/testing';
import {
  compareKeys,
  createDatabase,
  createGatheredWrite,
  createIdempotencyTable,
  dropIdempotencyTable,
  GatheredKeys,
  IdempotencyKeys,
  textArrayParameter,
  withClient,
  withTextArrays,
  type Database,
  type GatheredWriteOptions,
  type KeyToKeep,
  type QueryEvent,
} from '../src';

type Knex = Parameters<typeof createIdempotencyTable>[0];
const schema = 'notes';
const source = {
  '20260101000000-notes': {
    up: async (knex: Knex) => {
      await createIdempotencyTable(knex, schema);
      await knex.raw('create table notes.notes (text text primary key, odd text)');
    },
    down: async (knex: Knex) => {
      await knex.raw('drop table notes.notes');
      await dropIdempotencyTable(knex, schema);
    },
  },
};

interface Note {
  text: string;
  key?: KeyToKeep;
}

const gatheredKeys = new GatheredKeys({ schema, operation: 'note' });
const keys = new IdempotencyKeys({ schema });
let own: TestDatabase;
let database: Database;
let events: QueryEvent[];

beforeAll(async () => {
  own = await createTestDatabase(schema, { source });
});
beforeEach(() => {
  events = [];
  database = createDatabase({
    url: own.url,
    max: 4,
    hooks: { onQuery: (event) => events.push(event) },
  });
});
afterEach(async () => {
  await database.close(100);
  await withClient(own.adminUrl, (admin) => admin.query('truncate notes.notes, notes.idempotency_keys'));
});
afterAll(() => own.drop());

function openNotes(options: Partial<GatheredWriteOptions<Note>> = {}) {
  return createGatheredWrite<Note>({
    db: withTextArrays(database),
    name: 'notes.add',
    text: `${gatheredKeys.statementOf([{ name: 'text', type: 'text' }])},
      written as (insert into notes (text) select text from taken)
      select place::int as place from asked where place not in (select place from taken)`,
    valuesOf: ({ text, key }) => [...gatheredKeys.valuesOf(key), text],
    leavesOut: true,
    order: (one, other) => compareKeys(one.key, other.key),
    ...options,
  });
}

const newKey = (more: Partial<KeyToKeep> = {}): KeyToKeep => ({
  userId: randomUUID(),
  operation: 'note',
  key: randomUUID(),
  fingerprint: Buffer.from('what'),
  reply: { status: 201, headers: ['ETag', '"a\\b"'], body: '{"a":"b"}' },
  ...more,
});
const notesNow = async () => {
  const { rows } = await database.query<Note>('notes', 'select text from notes order by text');
  return rows.map(({ text }) => text);
};
const turn = () => new Promise((resolve) => setImmediate(resolve));
const statements = () => events.filter(({ operation }) => operation === 'notes.add');
const find = (key: KeyToKeep) => database.transaction((trx) => keys.find(trx, key));

/** Nobody writes notes while this works; the notes' writers wait for it. */
const whileLocked = <T>(work: (waiters: () => Promise<number>) => Promise<T>) =>
  withClient(own.adminUrl, async (admin) => {
    await admin.query('begin; lock table notes.notes in exclusive mode');
    return work(async () => {
      const { rows } = await admin.query<{ count: number }>(
        'select count(*)::int as count from pg_locks where not granted',
      );
      return rows[0]?.count ?? 0;
    });
  });

describe('changes that are written together with the keys of their requests', () => {
  it('are kept with what was answered, as it was', async () => {
    const add = openNotes();
    const key = newKey();
    expect(await Promise.all([add({ text: 'a', key }), add({ text: 'b' })])).toEqual([true, true]);
    expect(await notesNow()).toEqual(['a', 'b']);
    expect(await find(key)).toEqual({ state: 'kept', reply: key.reply });
  });

  it('are left out where their key is known, and no others with them', async () => {
    const add = openNotes();
    const key = newKey();
    await add({ text: 'first', key });
    const again = newKey({ ...key, fingerprint: Buffer.from('else') });
    const others = ['a', 'b'].map((text) => add({ text, key: newKey() }));
    expect(await Promise.all([add({ text: 'again', key: again }), ...others])).toEqual([false, true, true]);
    expect(await notesNow()).toEqual(['a', 'b', 'first']);
    expect(await find(again)).toEqual({ state: 'mismatch' });
  });

  it('are written again with a key that has expired', async () => {
    const key = newKey();
    await openNotes()({ text: 'first', key });
    await database.query('expire', `update idempotency_keys set expires_at = now() - interval '1 second'`);
    expect(
      await openNotes()({ text: 'second', key: newKey({ ...key, fingerprint: Buffer.from('2') }) }),
    ).toBe(true);
    expect(await find({ ...key, fingerprint: Buffer.from('2') })).toMatchObject({ state: 'kept' });
  });

  it('do not wait for a transaction that holds the key', async () => {
    const key = newKey();
    await database.transaction(async (trx) => {
      await keys.find(trx, key);
      await keys.keep(trx, key, key.reply);
      expect(await Promise.all([openNotes()({ text: 'a', key }), openNotes()({ text: 'b' })])).toEqual([
        false,
        true,
      ]);
    });
  });

  it('are all of the operation that the statement is for', async () => {
    const add = openNotes();
    await expect(add({ text: 'a', key: newKey({ operation: 'another' }) })).rejects.toThrow('another');
    expect(await notesNow()).toEqual([]);
  });

  it('are one each, whatever number of processes have the same keys at the same time', async () => {
    const all = Array.from({ length: 20 }, () => newKey());
    const writers = [openNotes({ most: 7 }), openNotes({ most: 11 }), openNotes({ most: 3 })];
    const written = await Promise.all(
      writers.flatMap((add, writer) => all.map((key, n) => add({ text: `${n} of ${writer}`, key }))),
    );
    expect(written.filter((isWritten) => isWritten)).toHaveLength(all.length);
    expect(await notesNow()).toHaveLength(all.length);
  });
});

describe('gathered writes', () => {
  it('find the one that is refused by halves', async () => {
    const add = openNotes({ enough: 64 });
    await add({ text: '13' });
    events.length = 0;
    const outcomes = await Promise.allSettled(Array.from({ length: 64 }, (_, n) => add({ text: String(n) })));
    const refused = outcomes.flatMap(({ status }, n) => (status === 'rejected' ? [n] : []));
    expect(refused).toEqual([13]);
    expect(await notesNow()).toHaveLength(64);
    expect(statements().length).toBeLessThanOrEqual(1 + 2 * Math.log2(64));
  });

  it('share a statement as long as each turn of the event loop brings more', async () => {
    const add = openNotes();
    const writes: Promise<boolean>[] = [];
    for (let n = 0; n < 5; n += 1) {
      writes.push(add({ text: String(n) }));
      await turn();
    }
    await Promise.all(writes);
    expect(statements()).toHaveLength(1);
    expect(await notesNow()).toHaveLength(5);
  });

  it('do not wait for ever for what each turn brings', async () => {
    const { query } = withTextArrays(database);
    let isSent = false;
    const noted: typeof query = (...statement) => {
      isSent = true;
      return query(...statement);
    };
    const add = openNotes({ db: { query: noted } });
    const writes: Promise<boolean>[] = [];
    while (!isSent && writes.length < 100) {
      writes.push(add({ text: String(writes.length) }));
      await turn();
    }
    await Promise.all(writes);
    expect(writes.length).toBeLessThan(20);
  });

  it('are told of before their callers hear of them; of what is left out nobody is', async () => {
    const told: string[] = [];
    const key = newKey();
    await openNotes()({ text: 'first', key });
    const add = openNotes({
      after: async (notes) => {
        await database.query('in between', 'select 1');
        told.push(...notes.map(({ text }) => text));
      },
    });
    await Promise.all([add({ text: 'again', key }), add({ text: 'new' })]);
    expect(told).toEqual(['new']);
  });

  it('are refused when too many wait, and those that wait are written', async () => {
    const add = openNotes({ inFlight: 1, most: 2, mostWaiting: 3 });
    await whileLocked(async (waiters) => {
      const first = add({ text: 'first' });
      await waitFor(async () => (await waiters()) === 1);
      const waiting = ['a', 'b', 'c'].map((text) => add({ text }));
      await expect(add({ text: 'd' })).rejects.toMatchObject({ status: 503 });
      return [first, ...waiting];
    }).then((writes) => Promise.all(writes));
    expect(await notesNow()).toEqual(['a', 'b', 'c', 'first']);
  });

  it('are refused when they have waited too long to be sent', async () => {
    const add = openNotes({ inFlight: 1, longestWaitMs: 20 });
    const first = await whileLocked(async (waiters) => {
      const sent = add({ text: 'first' });
      await waitFor(async () => (await waiters()) === 1);
      await expect(Promise.all([add({ text: 'a' }), add({ text: 'b' })])).rejects.toMatchObject({
        status: 503,
      });
      return [sent];
    });
    await Promise.all(first);
    expect(await notesNow()).toEqual(['first']);
    expect(await add({ text: 'a' })).toBe(true);
  });

  it('that take too long are not tried again one by one', async () => {
    const slow = createDatabase({
      url: own.url,
      queryTimeoutMs: 50,
      hooks: { onQuery: (event) => events.push(event) },
    });
    const add = openNotes({ db: slow });
    await whileLocked(async () => {
      const outcomes = await Promise.allSettled(['a', 'b', 'c'].map((text) => add({ text })));
      expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    });
    expect(statements()).toHaveLength(1);
    await slow.close();
  });
});

describe('arrays of texts', () => {
  it('arrive as they were, whatever they are made of', async () => {
    const echo = (values: readonly unknown[]) =>
      withTextArrays(database).query<{ text: string | null }>(
        'echo',
        'select text from unnest($1::text[]) with ordinality as row (text, place) order by place',
        [values],
      );
    const noNul = (text: string) => !text.includes('\0');
    const text = fc.string({ unit: 'binary', maxLength: 40 }).filter(noNul);
    const value = fc.option(fc.oneof(text, fc.constantFrom('', 'null', '{}', '"', '\\', ',', '🎉')));
    await fc.assert(
      fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 30 }), async (values) => {
        const { rows } = await echo(values);
        expect(rows.map((row) => row.text)).toEqual(values);
      }),
    );
    await expect(echo(['a\0b'])).rejects.toMatchObject({ code: '22021' });
  });

  it('become what a column is, from what callers have', async () => {
    const types = ['uuid', 'bigint', 'bytea', 'timestamptz', 'boolean', 'jsonb'];
    const id = randomUUID();
    const values = [id, 12, Buffer.from([0, 92, 255]), new Date(1.6e12), true, '{"a": [null]}'];
    const parameters = types.map((type, index) => textArrayParameter(index + 1, type)).join(', ');
    const { rows } = await withTextArrays(database).query(
      'types',
      `select * from unnest(${parameters}) as row (a, b, c, d, e, f)`,
      values.map((value) => [value, null]),
    );
    const none = { a: null, b: null, c: null, d: null, e: null, f: null };
    expect(rows).toEqual([{ a: id, b: '12', c: values[2], d: values[3], e: true, f: { a: [null] } }, none]);
  });
});
