import { waitFor } from '@rostrum/testing';
import { everythingBrought, feedOf, readAll } from './feed-app';
import { PostsApp, type Caller } from './posts-app';
import { WorkerProcesses } from './worker-process';

const followers = 30;
/** Several processes are started one after the other, on a machine that may be busy. */
const longTestMs = 120_000;

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
    const fans: Caller[] = [];
    for (let i = 0; i < followers; i += 1) fans.push(await app.member('fan'));
    for (const fan of fans) expect((await fan.follow(author.username)).status).toBe(204);
    // Each batch takes a while, so that a process is surely killed between the first and the last.
    await app.rows(
      `create function posts.slow() returns trigger language plpgsql as
         'begin perform pg_sleep(0.1); return new; end'`,
    );
    await app.rows(
      'create trigger slow before update on posts.feed_fanouts for each row execute function posts.slow()',
    );
    const first = startProcess();
    await everythingBrought(app);
    await readAll(fans);
    const { id } = await author.post('to all of you');

    let child = first;
    for (const reached of [3, 8, 15]) {
      await waitFor(async () => (await batches()) >= reached, { timeoutMs: 30_000 });
      await workers.kill(child);
      expect(await batches()).toBeLessThan(followers);
      child = startProcess();
    }
    await everythingBrought(app);
    for (const fan of fans) expect(await feedOf(fan)).toEqual([id]);
  },
  longTestMs,
);
