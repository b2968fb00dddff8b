import { waitFor } from '@rostrum/testing';
import { engineKinds, type Engine } from './engines';
import { byKey, EventStage, numbered } from './stage';

describe.each(engineKinds)('events over $name for several members', ({ start }) => {
  let engine: Engine;
  let stage: EventStage;

  beforeAll(async () => {
    engine = await start();
  });
  beforeEach(async () => {
    stage = await EventStage.open(engine);
  });
  afterEach(() => stage.close());
  afterAll(() => engine.close());

  describe('several members', () => {
    const keyOf = (name: string) => `k${Number(name.slice(1)) % 17}`;

    it('share the partitions, and one that leaves hands its own on at once', async () => {
      const partitions: Record<string, number> = {};
      const join = (member: string) =>
        stage.consumer({
          member,
          leaseMs: 1_500,
          database: stage.otherDatabase(member),
          bus: engine.open({ partitions: stage.partitions }),
          hooks: { onPartitions: (count) => (partitions[member] = count) },
        });
      stage.relay({ pollMs: 20 });
      const one = join('one');
      await waitFor(() => partitions['one'] === 4);
      join('two');
      await waitFor(() => partitions['one'] === 2 && partitions['two'] === 2);
      await stage.publish(numbered(100), keyOf);
      await stage.untilDone(100);
      await stage.stop(one);
      await waitFor(() => partitions['two'] === 4);
      await stage.publish(numbered(100, 100), keyOf);
      await stage.untilDone(200);
      const effects = await stage.effects();
      expect(new Set(effects.slice(0, 100).map(({ member }) => member)).size).toBe(2);
      for (const [key, names] of byKey(effects)) {
        expect(names).toEqual(numbered(200).filter((name) => keyOf(name) === key));
      }
    });
  });

  it('has every effect once, in order, while connections are cut again and again', async () => {
    const { bus, proxy } = await engine.openThrough({ partitions: stage.partitions });
    // Apart from the publisher's: where a commit's answer is lost, only the publisher can know what to do.
    const database = stage.otherDatabase('cuttable');
    const all = numbered(200);
    stage.relay({ bus, database, pollMs: 50, batchSize: 20 });
    stage.consumer({ bus, database, batchSize: 10 });
    for (let at = 0; at < all.length; at += 10) {
      await stage.publish(all.slice(at, at + 10));
      if (at % 40 !== 30) continue;
      await waitFor(async () => (await stage.names()).length > at - 20, { timeoutMs: 25_000 });
      proxy.reset();
      await stage.asAdmin(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'cuttable%'`,
      );
    }
    expect(await stage.untilDone(all.length, 25_000)).toEqual(all);
    expect(await stage.letters().count()).toBe(0);
  }, 60_000);
});
