import { waitFor } from '@rostrum/testing';
import { chosen, seed } from './chance';
import { engineKinds, type Engine } from './engines';
import { byKey, EventStage, numbered } from './stage';
import { WorkerProcesses } from './worker-processes';

const keys = 100;
const keyOf = (name: string) => `k${Number(name.slice(1)) % keys}`;
const leaseMs = 1_000;
const print = (line: string) => process.stdout.write(`${line}\n`);

describe.each(engineKinds)('workers over $name', ({ name, start }) => {
  let engine: Engine;
  let stage: EventStage;
  let workers: WorkerProcesses;

  beforeAll(async () => {
    engine = await start();
  });
  beforeEach(async () => {
    stage = await EventStage.open(engine, { partitions: 8 });
    workers = await WorkerProcesses.prepare({
      ...{ busUrl: engine.url, databaseUrl: stage.own.url, stream: stage.stream },
      ...{ partitions: stage.partitions, leaseMs },
    });
  });
  afterEach(async () => {
    await workers.remove();
    await stage.close();
  });
  afterAll(() => engine.close());

  async function assertOnceInOrder(all: readonly string[]): Promise<void> {
    const effects = await stage.effects();
    expect(effects).toHaveLength(all.length);
    const found = byKey(effects);
    for (const key of new Set(all.map(keyOf))) {
      expect(found.get(key)).toEqual(all.filter((each) => keyOf(each) === key));
    }
  }

  const total = name === 'Redis' ? 10_000 : 4_000;

  it(`apply ${total} events once each, those of a key in order, while they are killed again and again`, async () => {
    const all = numbered(total);
    const began = performance.now();
    const victims = chosen(Math.floor(total / 800), 1);
    stage.relay({ pollMs: 100 });
    await Promise.all([workers.start('consumer'), workers.start('consumer')]);
    const every = Math.ceil(all.length / (victims.length + 1));
    for (const [round, victim] of victims.entries()) {
      for (let at = round * every; at < (round + 1) * every; at += 400) {
        await stage.publish(all.slice(at, Math.min(at + 400, (round + 1) * every)), keyOf);
      }
      // In the middle of the work, whatever the machine's speed.
      const progress = round * every + Math.floor(every / 2);
      await waitFor(async () => (await stage.count()) >= progress, {
        timeoutMs: 60_000,
        what: `${progress} effects (seed ${seed})`,
      });
      await workers.kill(workers.names[victim] ?? '');
      void workers.start('consumer');
    }
    await stage.publish(all.slice(victims.length * every), keyOf);
    await stage.untilDone(all.length, 60_000);
    const seconds = (performance.now() - began) / 1000;
    print(
      `${name}: ${all.length} events in ${seconds.toFixed(1)} s with ${victims.length} kills (seed ${seed})`,
    );
    await assertOnceInOrder(all);
    expect(await stage.letters().count()).toBe(0);
  }, 240_000);

  it('lose nothing and repeat nothing while relays are killed', async () => {
    const all = numbered(total / 4);
    const victims = chosen(6, 1, 1);
    await Promise.all([workers.start('relay'), workers.start('relay')]);
    stage.consumer({ leaseMs });
    const every = Math.ceil(all.length / (victims.length + 1));
    for (const [round, victim] of victims.entries()) {
      await stage.publish(all.slice(round * every, (round + 1) * every), keyOf);
      const progress = round * every + Math.floor(every / 3);
      await waitFor(async () => (await stage.count()) >= progress, {
        timeoutMs: 60_000,
        what: `${progress} effects (seed ${seed})`,
      });
      await workers.kill(workers.names[victim] ?? '');
      void workers.start('relay');
    }
    await stage.publish(all.slice(victims.length * every), keyOf);
    await stage.untilDone(all.length, 60_000);
    await assertOnceInOrder(all);
  }, 180_000);

  it('go on without one that is frozen, which does no harm when it wakes', async () => {
    const all = numbered(600);
    // A process that is frozen inside a transaction keeps what it has locked until the server ends that.
    await stage.asAdmin(
      `alter role rostrum_alpha in database ${stage.own.name} set idle_in_transaction_session_timeout = '1s'`,
    );
    stage.relay({ pollMs: 100 });
    const frozen = await workers.start('consumer');
    await stage.publish(all.slice(0, 200), keyOf);
    await waitFor(async () => (await stage.count()) > 20, { timeoutMs: 30_000 });
    workers.freeze(frozen);
    await workers.start('consumer');
    await stage.publish(all.slice(200, 400), keyOf);
    await stage.untilDone(400, 60_000);
    workers.thaw(frozen);
    await stage.publish(all.slice(400), keyOf);
    await stage.untilDone(600, 60_000);
    await waitFor(async () => (await stage.owners()).has(frozen), { timeoutMs: 30_000 });
    await assertOnceInOrder(all);
  }, 180_000);

  it('set aside an event that kills whoever handles it, and only that one', async () => {
    const before = numbered(40);
    stage.relay({ pollMs: 100 });
    await stage.publish([...before, 'deadly', ...numbered(40, 40)], () => 'k');
    let deaths = 0;
    await waitFor(
      async () => {
        if (!workers.isRunning('mortal')) {
          deaths += 1;
          await workers.start('consumer', 'mortal');
        }
        return (await stage.count()) >= 80;
      },
      { timeoutMs: 90_000, what: 'the rest' },
    );
    await stage.untilIdle();
    expect(await stage.names()).toEqual(numbered(80));
    const letters = await stage.letters().list();
    expect(letters).toMatchObject([
      { event: { payload: { name: 'deadly' } }, reason: 'AppError ABANDONED', attempts: 6 },
    ]);
    expect(deaths).toBe(6);
  }, 180_000);
});
