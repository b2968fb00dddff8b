import { waitFor } from '@rostrum/testing';
import { everythingBrought, feedOf, readAll } from './feed-app';
import { PostsApp } from './posts-app';
import { WorkerProcesses } from './worker-process';

const followers = 30;
/** Several processes are started one after the other, on a machine that may be busy. */
const longTestMs = 180_000;

let app: PostsApp;
let workers: WorkerProcesses;

beforeAll(async () => {
  app = await PostsApp.start();
  workers = await WorkerProcesses.open(app);
}, longTestMs);

afterAll(async () => {
  await workers?.close();
  await app.stop();
});

const startProcess = () => workers.start({ FEED_FAN_OUT_BATCH: '1' });

/** How many batches have been noted of the one that is on its way. */
const batches = async () =>
  (await app.rows<{ batches: number }>('select batches from posts.feed_fanouts'))[0]?.batches ?? 0;

it(
  'a post reaches everybody, and once, however often the worker is killed on its way',
  async () => {
    const author = await app.member('author');
    // While that is arranged, the first process starts.
    let child = startProcess();
    const fans = await Promise.all(Array.from({ length: followers }, () => app.member('fan')));
    const follows = await Promise.all(fans.map((fan) => fan.follow(author.username)));
    expect(new Set(follows.map(({ status }) => status))).toEqual(new Set([204]));
    // Each batch takes a while, so that a process is surely killed between the first and the last.
    await app.rows(
      `create function posts.slow() returns trigger language plpgsql as
         'begin perform pg_sleep(0.1); return new; end'`,
    );
    await app.rows(
      'create trigger slow before update on posts.feed_fanouts for each row execute function posts.slow()',
    );
    await everythingBrought(app);
    await readAll(fans);
    const { id } = await author.post('to all of you');

    for (const reached of [3, 8, 15]) {
      // However long a process takes to start; but one that has ended by itself is a failure at once.
      const hasEnded = () => child.exitCode !== null;
      await waitFor(async () => hasEnded() || (await batches()) >= reached, { timeoutMs: longTestMs });
      expect(hasEnded()).toBe(false);
      await workers.kill(child);
      expect(await batches()).toBeLessThan(followers);
      child = startProcess();
    }
    await everythingBrought(app);
    for (const fan of fans) expect(await feedOf(fan)).toEqual([id]);
  },
  longTestMs,
);
