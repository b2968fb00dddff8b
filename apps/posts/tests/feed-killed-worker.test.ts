import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { waitFor } from '@rostrum/testing';
import { build } from 'esbuild';
import { everythingBrought, feedOf, readAll } from './feed-app';
import { PostsApp, type Caller } from './posts-app';

const root = path.resolve(__dirname, '../../..');
const followers = 30;
/** Several processes are started one after the other, on a machine that may be busy. */
const longTestMs = 120_000;

let app: PostsApp;
let folder: string;
const running: ChildProcess[] = [];

beforeAll(async () => {
  app = await PostsApp.start();
  fs.mkdirSync(path.join(root, 'dist'), { recursive: true });
  folder = fs.mkdtempSync(path.join(root, 'dist/test-posts-worker-'));
  await build({
    entryPoints: [path.join(__dirname, '../src/worker.ts')],
    outfile: path.join(folder, 'worker.cjs'),
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    logLevel: 'error',
    plugins: [
      {
        name: 'packages-outside',
        setup: (builder) =>
          void builder.onResolve({ filter: /^[^./]/ }, ({ path: name, kind }) =>
            kind === 'entry-point' || name.startsWith('@rostrum/')
              ? undefined
              : { path: name, external: true },
          ),
      },
    ],
  });
}, longTestMs);

afterAll(async () => {
  for (const child of running) await kill(child);
  fs.rmSync(folder, { recursive: true, force: true });
  await app.stop();
});

/** The real worker, in a process that can be killed. */
function startProcess(): ChildProcess {
  const child = spawn(process.execPath, [path.join(folder, 'worker.cjs')], {
    stdio: 'ignore',
    env: { PATH: process.env.PATH, ...app.environment, FEED_FAN_OUT_BATCH: '1', LOG_LEVEL: 'error' },
  });
  running.push(child);
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

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
      await kill(child);
      expect(await batches()).toBeLessThan(followers);
      child = startProcess();
    }
    await everythingBrought(app);
    for (const fan of fans) expect(await feedOf(fan)).toEqual([id]);
  },
  longTestMs,
);
