import { waitFor } from '@rostrum/testing';
import { byKey, describeEvents, numbered } from './stage';

describeEvents('events over $name for several members', (at) => {
  describe('several members', () => {
    const keyOf = (name: string) => `k${Number(name.slice(1)) % 17}`;

    it('share the partitions, and one that leaves hands its own on at once', async () => {
      const partitions: Record<string, number> = {};
      const join = (member: string) =>
        at.stage.consumer({
          member,
          leaseMs: 1_500,
          database: at.stage.otherDatabase(member),
          bus: at.engine.open({ partitions: at.stage.partitions }),
          hooks: { onPartitions: (count) => (partitions[member] = count) },
        });
      at.stage.relay({ pollMs: 20 });
      const one = join('one');
      await waitFor(() => partitions['one'] === 4);
      join('two');
      await waitFor(() => partitions['one'] === 2 && partitions['two'] === 2);
      await at.stage.publish(numbered(100), keyOf);
      await at.stage.untilDone(100);
      await at.stage.stop(one);
      await waitFor(() => partitions['two'] === 4);
      await at.stage.publish(numbered(100, 100), keyOf);
      await at.stage.untilDone(200);
      const effects = await at.stage.effects();
      expect(new Set(effects.slice(0, 100).map(({ member }) => member)).size).toBe(2);
      for (const [key, names] of byKey(effects)) {
        expect(names).toEqual(numbered(200).filter((name) => keyOf(name) === key));
      }
    });
  });

  it('has every effect once, in order, while connections are cut again and again', async () => {
    const { bus, proxy } = await at.engine.openThrough({ partitions: at.stage.partitions });
    // Apart from the publisher's: where a commit's answer is lost, only the publisher can know what to do.
    const database = at.stage.otherDatabase('cuttable');
    const all = numbered(200);
    at.stage.relay({ bus, database, pollMs: 50, batchSize: 20 });
    at.stage.consumer({ bus, database, batchSize: 10 });
    for (let from = 0; from < all.length; from += 10) {
      await at.stage.publish(all.slice(from, from + 10));
      if (from % 40 !== 30) continue;
      await waitFor(async () => (await at.stage.names()).length > from - 20, { timeoutMs: 25_000 });
      proxy.reset();
      await at.stage.asAdmin(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'cuttable%'`,
      );
    }
    expect(await at.stage.untilDone(all.length, 25_000)).toEqual(all);
    expect(await at.stage.letters().count()).toBe(0);
  }, 60_000);
});
