import {
  createTestDatabase,
  createTestRedis,
  startFaultProxy,
  startRedisServer,
  waitFor,
  type TestDatabase,
  type TestRedis,
} from '@rostrum/testing';
import { problems } from '@rostrum/errors';
import {
  closeRedis,
  createDatabase,
  createOutbox,
  createRedis,
  deadLetterStream,
  startConsumer,
  startRelay,
  withClient,
  type BusEvent,
  type Consumer,
  type ConsumerOptions,
  type Database,
  type Outbox,
  type Redis,
  type Relay,
  type RelayOptions,
} from '../src';
import { thingsMigrations } from './things';

const stream = 'events:alpha';
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

let own: TestDatabase;
let shared: TestRedis;
let database: Database;
let redis: Redis;
let outbox: Outbox;
const running: (Relay | Consumer)[] = [];

beforeEach(async () => {
  [own, shared] = await Promise.all([createTestDatabase('alpha', thingsMigrations), createTestRedis()]);
  database = createDatabase({ url: own.url });
  redis = createRedis({ url: shared.url });
  outbox = createOutbox({ database, schema: 'alpha' });
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((part) => part.stop()));
  await database.close(1_000);
  await closeRedis(redis);
  await Promise.all([own.drop(), shared.close()]);
});

function relay(options: Partial<RelayOptions> = {}): Relay {
  const started = startRelay({ database, redis, schema: 'alpha', stream, ...options });
  running.push(started);
  return started;
}

function consumer(options: Partial<ConsumerOptions> = {}): Consumer {
  const started = startConsumer({
    ...{
      database,
      redis,
      schema: 'alpha',
      stream,
      group: 'counters',
      consumer: 'one',
      blockMs: 100,
      retryMs: 5,
    },
    handlers: { 'thing.happened': count },
    ...options,
  });
  running.push(started);
  return started;
}

/** An effect that shows how often it was had. */
const count: ConsumerOptions['handlers'][string] = async (event, trx) => {
  await trx.query(
    'count',
    `insert into things (name, size) values ($1, 1) on conflict (name) do update set size = things.size + 1`,
    [(event.payload as { name: string }).name],
  );
};

async function publish(...names: string[]): Promise<void> {
  await database.transaction(async (trx) => {
    for (const name of names) {
      await outbox.add(trx, { type: 'thing.happened', version: 1, key: 'k', payload: { name }, traceparent });
    }
  });
}

async function counted(): Promise<Record<string, number>> {
  const { rows } = await database.query<{ name: string; size: number }>(
    'counted',
    'select name, size from things',
  );
  return Object.fromEntries(rows.map(({ name, size }) => [name, size]));
}

const names = (total: number) => Array.from({ length: total }, (_, index) => `n${index}`);
const once = (all: string[]) => Object.fromEntries(all.map((name) => [name, 1]));

/** Ends the connections on which a statement like this runs, as a crash of their process would. */
async function cutWhileRunning(text: string): Promise<void> {
  await waitFor(() =>
    withClient(own.adminUrl, async (admin) => {
      const { rowCount } = await admin.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and state = 'active' and wait_event = 'PgSleep' and query like $1`,
        [`%${text}%`],
      );
      return rowCount;
    }),
  );
}

async function asAdmin(statements: string): Promise<void> {
  await withClient(own.adminUrl, (admin) => admin.query(`set search_path = alpha; ${statements}`));
}

describe('an event', () => {
  it('arrives as it was, with its trace', async () => {
    const seen: BusEvent[] = [];
    relay();
    consumer({ handlers: { 'thing.happened': (event) => Promise.resolve(void seen.push(event)) } });
    await publish('a');
    await waitFor(() => seen.length === 1);
    expect(seen[0]).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      type: 'thing.happened',
      version: 1,
      key: 'k',
      payload: { name: 'a' },
      traceparent,
      occurredAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
    });
  });

  it('is published if, and only if, its transaction commits', async () => {
    const failing = database.transaction(async (trx) => {
      await outbox.add(trx, { type: 'thing.happened', version: 1, key: 'k', payload: { name: 'undone' } });
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    await publish('kept');
    relay();
    consumer();
    await waitFor(async () => (await counted())['kept'] === 1);
    expect(await counted()).toEqual({ kept: 1 });
  });

  it('is published at once, not at the relay’s next look', async () => {
    const started = relay({ pollMs: 60_000 });
    await publish('warm up');
    await waitFor(async () => (await started.backlog()) === 0);
    const before = performance.now();
    await publish('a');
    await waitFor(async () => (await redis.xlen(stream)) === 2);
    expect(performance.now() - before).toBeLessThan(5_000);
  });

  it('of a type that nobody handles is passed over', async () => {
    relay();
    const reader = consumer({ handlers: {} });
    await publish('a');
    await waitFor(async () => (await redis.xlen(stream)) === 1 && (await reader.lag()) === 0);
    expect(await counted()).toEqual({});
  });
});

describe('a relay', () => {
  it('keeps the order, over many batches and with others beside it', async () => {
    const all = names(120);
    for (const name of all) await publish(name);
    relay({ batchSize: 7 });
    relay({ batchSize: 7 });
    await waitFor(async () => (await redis.xlen(stream)) === all.length);
    const entries = await redis.xrange(stream, '-', '+');
    const published = entries.map(([, fields]) => JSON.parse(fields[fields.indexOf('payload') + 1] ?? '{}'));
    expect(published).toEqual(all.map((name) => ({ name })));
  });

  it('that dies between publishing and noting it publishes again, with one effect', async () => {
    // Holds the first note up, and no other: a sequence counts on although its transaction is undone.
    await asAdmin(`
      create sequence holds;
      grant usage on holds to rostrum_alpha;
      create function hold() returns trigger language plpgsql as $$ begin
        if nextval('alpha.holds') = 1 then perform pg_sleep(20); end if;
        return null;
      end $$;
      grant execute on function hold() to rostrum_alpha;
      create trigger hold after update on outbox for each row execute function hold()`);
    const all = names(5);
    await publish(...all);
    relay({ pollMs: 20 });
    await waitFor(async () => (await redis.xlen(stream)) === 5);
    await cutWhileRunning('update alpha.outbox');
    await waitFor(async () => (await redis.xlen(stream)) === 10);
    consumer();
    await waitFor(async () => Object.keys(await counted()).length === 5);
    await waitFor(async () => (await startedLag()) === 0);
    expect(await counted()).toEqual(once(all));
  });

  it('publishes anew what Redis forgets in a crash', async () => {
    const server = await startRedisServer();
    const volatile = createRedis({ url: server.url });
    const onRestored = jest.fn();
    const all = names(3);
    try {
      await publish(...all);
      const started = relay({ redis: volatile, pollMs: 20, hooks: { onRestored } });
      await waitFor(async () => (await started.backlog()) === 0);
      await server.kill();
      await publish('during');
      await server.restart();
      await waitFor(async () => (await volatile.xlen(stream)) === 4);
      expect(onRestored).toHaveBeenCalledWith({ count: 3 });
      consumer({ redis: volatile });
      await waitFor(async () => Object.keys(await counted()).length === 4);
      expect(await counted()).toEqual(once([...all, 'during']));
      await Promise.all(running.splice(0).map((part) => part.stop()));
    } finally {
      await closeRedis(volatile);
      await server.stop();
    }
  });
});

describe('a consumer', () => {
  it('takes over what another was given and never acknowledged', async () => {
    const all = names(5);
    await publish(...all);
    relay();
    await waitFor(async () => (await redis.xlen(stream)) === 5);
    await redis.xgroup('CREATE', stream, 'counters', '0');
    await redis.xreadgroup('GROUP', 'counters', 'dead', 'COUNT', 3, 'STREAMS', stream, '>');
    const living = consumer({ abandonedMs: 200 });
    await waitFor(async () => (await living.lag()) === 0 && Object.keys(await counted()).length === 5);
    expect(await counted()).toEqual(once(all));
  });

  it('finds at its start what it left behind, before anything newer', async () => {
    const all = names(6);
    await publish(...all);
    relay();
    await waitFor(async () => (await redis.xlen(stream)) === 6);
    await redis.xgroup('CREATE', stream, 'counters', '0');
    await redis.xreadgroup('GROUP', 'counters', 'one', 'COUNT', 3, 'STREAMS', stream, '>');
    const order: string[] = [];
    consumer({
      handlers: {
        'thing.happened': (event) =>
          Promise.resolve(void order.push((event.payload as { name: string }).name)),
      },
    });
    await waitFor(() => order.length === 6);
    expect(order).toEqual(all);
  });

  it('is not confused when an answer with new events is lost on its way', async () => {
    const proxy = await startFaultProxy({ target: shared.url });
    const cut = createRedis({ url: proxy.urlFor(shared.url) });
    try {
      relay();
      consumer({ redis: cut, blockMs: 10_000 });
      await publish('a');
      await waitFor(async () => (await counted())['a'] === 1);
      // It waits for more now; the answer will be cut off in its middle.
      await waitFor(async () => (await redis.xpending(stream, 'counters'))[0] === 0);
      proxy.resetMidReply(3);
      await publish('b');
      await waitFor(async () => (await counted())['b'] === 1);
      expect(await counted()).toEqual({ a: 1, b: 1 });
      await Promise.all(running.splice(0).map((part) => part.stop()));
    } finally {
      await closeRedis(cut);
      await proxy.close();
    }
  });

  it('that dies between the effect and the acknowledgement has one effect', async () => {
    const server = await startRedisServer({ persistent: true });
    const mortal = createRedis({ url: server.url });
    try {
      await publish('a');
      relay({ redis: mortal, pollMs: 20 });
      let first = true;
      const reader = consumer({
        redis: mortal,
        handlers: {
          'thing.happened': async (event, trx) => {
            await count(event, trx);
            if (first) trx.onCommit(() => server.kill());
            first = false;
          },
        },
      });
      await waitFor(async () => (await counted())['a'] === 1);
      await server.restart();
      await publish('b');
      await waitFor(async () => (await counted())['b'] === 1);
      await waitFor(async () => (await reader.lag()) === 0);
      expect(await counted()).toEqual({ a: 1, b: 1 });
      await Promise.all(running.splice(0).map((part) => part.stop()));
    } finally {
      await closeRedis(mortal);
      await server.stop();
    }
  });

  it('sets aside an event whose handler fails five times, keeps the rest, and says why', async () => {
    const tries: number[] = [];
    const onDeadLetter = jest.fn();
    relay();
    const reader = consumer({
      handlers: {
        'thing.happened': async (event, trx) => {
          await count(event, trx);
          if ((event.payload as { name: string }).name === 'poison')
            throw new TypeError('secret of the payload');
        },
      },
      hooks: { onDeadLetter, onHandlerError: ({ deliveries }) => tries.push(deliveries) },
    });
    await publish('before', 'poison', 'after');
    await waitFor(async () => (await counted())['after'] === 1);
    await waitFor(async () => (await reader.lag()) === 0);
    expect(await counted()).toEqual({ before: 1, after: 1 });
    expect(tries.at(-1)).toBe(5);
    expect(onDeadLetter).toHaveBeenCalledTimes(1);
    const [letter] = await redis.xrange(deadLetterStream(stream), '-', '+');
    const fields = Object.fromEntries(pairs(letter?.[1] ?? []));
    expect(fields).toMatchObject({
      type: 'thing.happened',
      payload: '{"name": "poison"}',
      group: 'counters',
      reason: 'TypeError',
      deliveries: '5',
    });
    expect(JSON.stringify(fields)).not.toContain('secret');
  });

  it('sets aside an entry that is no event', async () => {
    const onDeadLetter = jest.fn();
    await redis.xadd(stream, '*', 'some', 'thing');
    consumer({ hooks: { onDeadLetter } });
    await waitFor(() => onDeadLetter.mock.calls.length === 1);
    expect(await redis.xlen(deadLetterStream(stream))).toBe(1);
  });

  it('sets aside an event that nobody survives, and only that one', async () => {
    await publish('deadly', 'harmless');
    relay();
    await waitFor(async () => (await redis.xlen(stream)) === 2);
    await redis.xgroup('CREATE', stream, 'counters', '0');
    await redis.xreadgroup('GROUP', 'counters', 'one', 'STREAMS', stream, '>');
    // What a process that dies while handling leaves each time: one more delivery of the oldest entry.
    for (let death = 0; death < 4; death += 1) {
      await redis.xreadgroup('GROUP', 'counters', 'one', 'COUNT', 1, 'STREAMS', stream, '0');
    }
    const reader = consumer();
    await waitFor(async () => (await reader.lag()) === 0);
    expect(await counted()).toEqual({ harmless: 1 });
    expect(await redis.xlen(deadLetterStream(stream))).toBe(1);
  });

  it('does not give an event up because something it needs is away', async () => {
    let away = 12;
    relay();
    consumer({
      handlers: {
        'thing.happened': async (event, trx) => {
          if (away-- > 0) throw problems.unavailable('posts', 1);
          await count(event, trx);
        },
      },
      hooks: { onError: () => (away > 3 ? (away -= 4) : undefined) },
    });
    await publish('a');
    await waitFor(async () => (await counted())['a'] === 1);
    expect(await redis.xlen(deadLetterStream(stream))).toBe(0);
  });

  it('goes on when the whole stream is lost', async () => {
    relay({ pollMs: 20 });
    consumer();
    await publish('a');
    await waitFor(async () => (await counted())['a'] === 1);
    await redis.del(stream);
    await publish('b');
    await waitFor(async () => (await counted())['b'] === 1);
    expect(await counted()).toEqual({ a: 1, b: 1 });
  });
});

it('has every effect once, in order, while connections are cut again and again', async () => {
  const server = await startRedisServer();
  const cuttable = createRedis({ url: server.url });
  const knife = createRedis({ url: server.url });
  // Apart from the publisher's: where a commit's answer is lost, only the publisher can know what to do.
  const workers = createDatabase({ url: own.url, applicationName: 'cuttable' });
  const all = names(200);
  const order: string[] = [];
  const parts = { database: workers, redis: cuttable };
  relay({ ...parts, pollMs: 50, batchSize: 20 });
  const reader = consumer({
    ...parts,
    batchSize: 10,
    handlers: {
      'thing.happened': async (event, trx) => {
        await count(event, trx);
        trx.onCommit(() => order.push((event.payload as { name: string }).name));
      },
    },
  });
  try {
    for (const [index, name] of all.entries()) {
      await publish(name);
      if (index % 30 !== 29) continue;
      await waitFor(() => order.length > index - 25, { timeoutMs: 20_000 });
      await knife.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      await asAdmin(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'cuttable%'`,
      );
    }
    await waitFor(async () => Object.keys(await counted()).length === all.length, { timeoutMs: 20_000 });
    await waitFor(async () => (await reader.lag()) === 0, { timeoutMs: 20_000 });
    expect(await counted()).toEqual(once(all));
    // A commit whose answer was lost is not followed by its actions, so the order is looked for, not each of them.
    expect(order).toEqual(all.filter((name) => order.includes(name)));
    expect(order.length).toBeGreaterThan(all.length / 2);
  } finally {
    await Promise.all(running.splice(0).map((part) => part.stop()));
    await Promise.all([closeRedis(cuttable), closeRedis(knife), workers.close(1_000)]);
    await server.stop();
  }
});

/** The lag of the group as any member sees it. */
async function startedLag(): Promise<number> {
  const reader = running.find((part): part is Consumer => 'lag' in part);
  return reader ? reader.lag() : -1;
}

function pairs(fields: string[]): [string, string][] {
  const found: [string, string][] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) found.push([fields[i] ?? '', fields[i + 1] ?? '']);
  return found;
}
