import {
  createTestDatabase,
  startFaultProxy,
  startPgBouncer,
  startPostgresServer,
  waitFor,
  type FaultProxy,
  type OwnServer,
  type PgBouncer,
} from '@rostrum/testing';
import { createDatabase, type Database } from '../src';
import { thingsMigrations } from './things';

const unavailable = { code: 'POSTGRES_UNAVAILABLE', status: 503 };
/** From the fault's end to the first success, with room for a slow machine; the design promises 10 s. */
const healing = { timeoutMs: 10_000, everyMs: 50 };

let server: OwnServer;
let proxy: FaultProxy;
let database: Database;
let url: string;
const onPoolError = jest.fn();

beforeAll(async () => {
  server = await startPostgresServer();
  ({ url } = await createTestDatabase('alpha', thingsMigrations, { adminUrl: server.url }));
  proxy = await startFaultProxy({ target: url });
});

beforeEach(async () => {
  onPoolError.mockClear();
  database = createDatabase({
    url: proxy.urlFor(url),
    max: 4,
    acquireTimeoutMs: 1_000,
    queryTimeoutMs: 500,
    queryGraceMs: 100,
    hooks: { onPoolError },
  });
  await fillPool();
});

afterEach(async () => {
  await database.close(100);
  await proxy.heal();
});

afterAll(async () => {
  await proxy.close();
  await server.stop();
});

const ask = () => database.query('one', 'select 1 as one');

/** Opens as many connections as may be, so that a fault meets a pool of idle ones. */
async function fillPool(): Promise<void> {
  await Promise.all(Array.from({ length: 4 }, () => database.query('warm', 'select pg_sleep(0.05)')));
  await waitFor(() => database.stats().idle === 4, { what: 'four idle connections' });
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

it('lives through a killed server, and works again when it is back', async () => {
  const running = expect(database.query('slow', 'select pg_sleep(5)')).rejects.toMatchObject(unavailable);
  await waitFor(() => database.stats().idle === 3);
  await server.kill();
  await running;
  await expect(ask()).rejects.toMatchObject(unavailable);
  await expect(database.ping()).rejects.toMatchObject(unavailable);
  await waitFor(() => onPoolError.mock.calls.length > 0, { what: 'the loss of an idle connection' });
  await server.restart();
  await waitFor(ask, healing);
});

it('keeps failed callers’ waiting short while the server is frozen, and works again when it thaws', async () => {
  await server.pause();
  const waits = await Promise.all(
    Array.from({ length: 12 }, () => timed(() => expect(ask()).rejects.toMatchObject(unavailable))),
  );
  expect(Math.max(...waits)).toBeLessThan(5_000);
  await expect(database.ping()).rejects.toMatchObject(unavailable);
  await server.resume();
  await waitFor(ask, healing);
});

it('rolls back and gives up in time when the server freezes within a transaction', async () => {
  let attempts = 0;
  const work = database.transaction(async (trx) => {
    attempts += 1;
    await trx.query('things.add', `insert into things (name) values ('frozen')`);
    await server.pause();
    await trx.query('one', 'select 1');
  });
  await expect(work).rejects.toMatchObject(unavailable);
  await server.resume();
  // To ask it again would have taken as long again.
  expect(attempts).toBe(1);
  await waitFor(ask, healing);
  const { rows } = await database.query('list', `select name from things where name = 'frozen'`);
  expect(rows).toEqual([]);
});

it('pays for dead idle connections once, not once for each', async () => {
  proxy.halfOpen();
  await expect(ask()).rejects.toMatchObject(unavailable);
  // The route is there again, but what was opened before stays dead.
  await proxy.heal();
  await ask();
});

it('drops connections that are reset in the middle of an answer', async () => {
  proxy.resetMidReply();
  await expect(ask()).rejects.toMatchObject(unavailable);
  proxy.reset();
  await waitFor(ask, healing);
});

it('fails at once while connections are refused', async () => {
  await proxy.refuse();
  await waitFor(() => database.stats().total === 0);
  // It has not waited for its turn to be over.
  await expect(ask()).rejects.toMatchObject({ ...unavailable, cause: { code: 'ECONNREFUSED' } });
  await proxy.heal();
  await waitFor(ask, healing);
});

it('works again by itself after an outage of more than five seconds, warm connections and all', async () => {
  const warm = createDatabase({ url: proxy.urlFor(url), max: 4, minIdle: 2, acquireTimeoutMs: 1_000 });
  try {
    await waitFor(() => warm.stats().idle === 2);
    const since = performance.now();
    await server.kill();
    await waitFor(
      async () => {
        await expect(warm.query('one', 'select 1')).rejects.toMatchObject(unavailable);
        return performance.now() - since > 5_000;
      },
      { timeoutMs: 20_000, everyMs: 100 },
    );
    await server.restart();
    const back = performance.now();
    await waitFor(() => warm.query('one', 'select 1'), healing);
    process.stdout.write(
      `first success ${(performance.now() - back).toFixed(0)} ms after PostgreSQL was back\n`,
    );
    await waitFor(() => warm.stats().idle === 2, { what: 'warm connections', ...healing });
  } finally {
    await warm.close(100);
  }
});

describe('through a pooler', () => {
  let pooler: PgBouncer;
  let pooled: Database;

  beforeAll(async () => {
    pooler = await startPgBouncer({
      target: server.url,
      logins: [url],
      settings: { server_login_retry: 1, server_connect_timeout: 1 },
    });
  });

  beforeEach(async () => {
    pooled = createDatabase({
      url: pooler.urlFor(url),
      pooler: 'transaction',
      max: 4,
      acquireTimeoutMs: 1_000,
      queryTimeoutMs: 500,
      queryGraceMs: 300,
    });
    await waitFor(() => pooled.query('one', 'select 1'), healing);
  });

  afterEach(() => pooled.close(100));

  afterAll(() => pooler.stop());

  const asking = () => pooled.query('one', 'select 1');

  it('lives through a pooler that is killed', async () => {
    await pooler.kill();
    await expect(asking()).rejects.toMatchObject(unavailable);
    await expect(asking()).rejects.toMatchObject({ ...unavailable, cause: { code: 'ECONNREFUSED' } });
    await pooler.restart();
    await waitFor(asking, healing);
  });

  it('lives through a pooler that is frozen', async () => {
    await pooler.pause();
    const waits = await Promise.all(
      Array.from({ length: 8 }, () => timed(() => expect(asking()).rejects.toMatchObject(unavailable))),
    );
    expect(Math.max(...waits)).toBeLessThan(5_000);
    await pooler.resume();
    await waitFor(asking, healing);
  });

  it('lives through the loss of the server behind the pooler', async () => {
    await server.kill();
    await expect(asking()).rejects.toMatchObject(unavailable);
    await server.restart();
    await waitFor(asking, healing);
  });
});
