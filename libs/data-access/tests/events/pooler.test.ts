import { createTestRedis, startPgBouncer, waitFor, type TestRedis } from '@rostrum/testing';
import { createDatabase, type Database } from '../../src';
import { redisEngine, type Engine } from './engines';
import { byKey, EventStage, numbered } from './stage';

type Pooler = Awaited<ReturnType<typeof startPgBouncer>>;

let engine: Engine;
let shared: TestRedis;
let stage: EventStage;
let pooler: Pooler;
const databases: Database[] = [];

beforeAll(async () => {
  shared = await createTestRedis();
  engine = redisEngine(shared.url, () => shared.close());
});
beforeEach(async () => {
  stage = await EventStage.open(engine);
  pooler = await startPgBouncer({ target: stage.own.adminUrl, logins: [stage.own.url] });
});
afterEach(async () => {
  await stage.stopAll();
  await Promise.all(databases.splice(0).map((database) => database.close(500)));
  await pooler.stop();
  await stage.close();
});
afterAll(() => engine.close());

function pooled(directUrl?: string): Database {
  const database = createDatabase({
    ...{ url: pooler.urlFor(stage.own.url), pooler: 'transaction' as const, max: 10 },
    ...(directUrl !== undefined && { directUrl }),
  });
  databases.push(database);
  return database;
}

it.each([
  ['woken past the pooler', true],
  ['by looking again and again, where there is no way past it', false],
])(
  'a relay behind a pooler that lends connections by the transaction publishes at once: %s',
  async (_, direct) => {
    const database = pooled(direct ? stage.own.url : undefined);
    // It would not look by itself before the test is over.
    const relay = stage.relay({ database, pollMs: 600_000 });
    await stage.publish(['first']);
    await waitFor(async () => (await relay.backlog()).count === 0);
    await stage.publish(['second']);
    await waitFor(async () => (await stage.published()) === 2);
  },
);

it('relays and members behind it keep the order, and have each effect once', async () => {
  const keyOf = (name: string) => `k${Number(name.slice(1)) % 7}`;
  const all = numbered(300);
  for (const each of ['one', 'two']) {
    stage.relay({ database: pooled(stage.own.url), batchSize: 20, pollMs: 50 });
    stage.consumer({ member: each, database: pooled(), bus: engine.open({ partitions: stage.partitions }) });
  }
  for (let at = 0; at < all.length; at += 30) await stage.publish(all.slice(at, at + 30), keyOf);
  await stage.untilDone(all.length);
  for (const [key, names] of byKey(await stage.effects())) {
    expect(names).toEqual(all.filter((name) => keyOf(name) === key));
  }
  expect(await stage.count()).toBe(all.length);
});
