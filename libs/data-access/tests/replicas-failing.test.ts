import { waitFor, type OwnServer } from '@rostrum/testing';
import { withClient, type Database } from '../src';
import { nameOf, namesBy, replicaScene, usable, whenUsable, write } from './replica-scene';

const unavailable = { code: 'POSTGRES_UNAVAILABLE', status: 503 };

const scene = replicaScene();

describe('reads go on', () => {
  /** Reads again and again, four at a time, until told to stop. */
  function readAlways(database: Database) {
    let stopped = false;
    let slowestMs = 0;
    const counts = [0, 0, 0, 0];
    const readers = counts.map(async (_, reader) => {
      while (!stopped) {
        const started = performance.now();
        await namesBy(database.reader());
        slowestMs = Math.max(slowestMs, performance.now() - started);
        counts[reader] = (counts[reader] ?? 0) + 1;
      }
    });
    return {
      /** How often each has read. */
      counts: () => [...counts],
      async stop() {
        stopped = true;
        await Promise.all(readers);
        return slowestMs;
      },
    };
  }

  const left = (server: OwnServer) => () =>
    scene.changes.some(({ name, usable: isUsable }) => name === nameOf(server) && !isUsable);

  it.each([
    ['killed', (server: OwnServer) => server.kill(), (server: OwnServer) => server.restart()],
    ['frozen', (server: OwnServer) => server.pause(), (server: OwnServer) => server.resume()],
  ])('while a replica is %s, and from it again afterwards', async (_what, hurt, heal) => {
    const [first] = scene.replicas;
    const database = await scene.open({
      replicaLimits: { checkEveryMs: 30, checkTimeoutMs: 500, maxLagMs: 5_000 },
    });
    const reading = readAlways(database);
    await waitFor(() => new Set(scene.reads.map(({ from }) => from)).size === 2, { what: 'reads from both' });
    await hurt(first);
    await waitFor(left(first), { what: 'that it is left out' });
    scene.reads = [];
    const before = reading.counts();
    const all = () => reading.counts().every((count, reader) => count > (before[reader] ?? 0) + 20);
    await waitFor(all, { what: 'reads from the other by everybody' });
    expect(scene.reads.filter(({ from, instead }) => from === nameOf(first) && !instead)).toEqual([]);
    await heal(first);
    await whenUsable(database, 2);
    await waitFor(() => scene.reads.some(({ from }) => from === nameOf(first)), { what: 'reads from it' });
    const slowestMs = await reading.stop();
    const count = reading.counts().reduce((sum, each) => sum + each);
    process.stdout.write(
      `replica ${_what}: ${count} reads, none failed, the slowest took ${slowestMs.toFixed(0)} ms\n`,
    );
  });

  it('also for those who wait for a connection that a frozen replica will never let in', async () => {
    const [first] = scene.replicas;
    const database = await scene.open({
      replicaLimits: { checkEveryMs: 30, checkTimeoutMs: 500, maxLagMs: 5_000 },
    });
    // Nobody has read yet: each of these needs a connection of its scene.own.
    await first.pause();
    const answers = await Promise.all(Array.from({ length: 8 }, () => namesBy(database.reader())));
    expect(answers).toEqual(answers.map(() => []));
    await first.resume();
    await whenUsable(database, 2);
  });

  it('and whoever finds a replica gone keeps the others from it', async () => {
    const [first] = scene.replicas;
    const database = await scene.open({
      replicaLimits: { checkEveryMs: 3_000, checkTimeoutMs: 5_000, maxLagMs: 60_000 },
    });
    await first.kill();
    for (let count = 0; count < 12; count += 1) await namesBy(database.reader());
    expect(scene.reads.filter(({ instead }) => instead).length).toBeLessThanOrEqual(1);
    await first.restart();
    await whenUsable(database, 2);
  });

  it('while the primary is gone, but for those who must see all', async () => {
    const database = await scene.open({ acquireTimeoutMs: 1_000 });
    await write(database, 'a');
    await scene.caughtUp();
    await scene.primary.kill();
    await expect(write(database, 'b')).rejects.toMatchObject(unavailable);
    const since = performance.now();
    await waitFor(() => performance.now() - since > 1_000, { what: 'more than the bound' });
    expect(await namesBy(database.reader())).toEqual(['a']);
    await expect(namesBy(database.reader('primary'))).rejects.toMatchObject(unavailable);
    await scene.primary.restart();
    await waitFor(() => write(database, 'c'), { what: 'a write' });
    await scene.caughtUp();
    await whenUsable(database, 2);
  });

  it('when a standby ends a read to go on replaying', async () => {
    const [replica] = scene.replicas;
    const settle = (value: string) =>
      withClient(scene.at(replica, scene.own.adminUrl), async (admin) => {
        await admin.query(`alter system set max_standby_streaming_delay = ${value}`);
        await admin.query('select pg_reload_conf()');
      });
    await settle('0');
    const database = scene.create({ replicaUrls: [scene.at(replica)] });
    await write(database, 'a');
    await scene.caughtUp();
    await whenUsable(database, 1);
    const reading = database.reader().query('slow', 'select pg_sleep(1), name from things');
    const running = `select from pg_stat_activity where query like 'select pg_sleep(1)%' and state = 'active'`;
    await waitFor(async () =>
      withClient(
        scene.at(replica, scene.own.adminUrl),
        async (admin) => (await admin.query(running)).rowCount === 1,
      ),
    );
    await withClient(scene.own.adminUrl, (admin) => admin.query('truncate alpha.things'));
    expect((await reading).rows).toEqual([]);
    expect(scene.reads).toEqual([{ from: 'primary', instead: true }]);
    expect(usable(database)).toHaveLength(1);
    await settle('default');
  });
});
