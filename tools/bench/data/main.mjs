/** npm run bench:data — reads through the cache, the pool and the limiter, beside the drivers doing the same work. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { bundle } from '../../build/bundle.mjs';
import { startTestServers } from '../../test/servers.mjs';
import { hasTaskset, onCore } from '../server-process.mjs';
import { printTable } from '../table.mjs';
import { summariseTurns, takeTurns } from '../turns.mjs';

const { values } = parseArgs({
  options: {
    help: { type: 'boolean' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    callers: { type: 'string', default: '50' },
  },
});
if (values.help) {
  console.log(`npm run bench:data [-- --rounds 5 --seconds 3 --callers 50]

Reads one post at a time, many callers at once, in one process: from Redis and from PostgreSQL, by the bare drivers and
by our libraries. The process has a core of its own, the servers have the other. Starts throw-away servers and ends them.`);
  process.exit(0);
}

const run = promisify(execFile);
const { Redis } = createRequire(import.meta.url)('ioredis');
const root = path.resolve(import.meta.dirname, '../../..');
const outdir = path.join(root, 'dist/bench/data');
const workCore = 0;
const serverCore = 1;
const groups = [
  {
    title: 'Reads from Redis',
    floor: 'ioredis, GET',
    names: ['ioredis, GET', 'ioredis, GET, auto-pipelining', 'cached read', 'limiter + cached read'],
    goals: { 'cached read': 0.8 },
  },
  {
    title: 'Reads of one row by its key, 10 connections',
    floor: 'pg, prepared',
    names: ['pg, prepared', 'our pool', 'our pool, reads gathered'],
    goals: { 'our pool': 0.85 },
  },
];

async function main() {
  await buildWorkers();
  // What is started from here on inherits the core.
  if (hasTaskset()) execFileSync('taskset', ['-pc', String(serverCore), String(process.pid)]);
  console.log('Starting throw-away servers');
  const servers = await startTestServers();
  try {
    await run(process.execPath, [path.join(outdir, 'fill.js'), servers.postgresUrl, servers.redisUrl]);
    const env = {
      ...process.env,
      NODE_ENV: 'production',
      BENCH_POSTGRES_URL: servers.postgresUrl,
      BENCH_REDIS_URL: servers.redisUrl,
    };
    for (const group of groups) await compareGroup(group, env);
    await countRoundTrips(env);
  } finally {
    await servers.stop();
  }
}

async function buildWorkers() {
  const entries = ['worker', 'fill'].map((name) => ({
    in: path.join(import.meta.dirname, `${name}.ts`),
    out: name,
  }));
  const { files } = await bundle(entries);
  mkdirSync(outdir, { recursive: true });
  for (const [name, bytes] of Object.entries(files)) writeFileSync(path.join(outdir, name), bytes);
}

async function compareGroup({ title, floor, names, goals }, env) {
  const { rounds, seconds, callers } = values;
  console.log(
    `\n${title}\n${rounds} rounds of ${seconds} s each, ${callers} callers, ${place()}, Node ${process.version}\n`,
  );
  const measure = (name) => work(name, { callers, seconds }, env);
  const rows = summariseTurns(await takeTurns({ names, rounds: Number(rounds), measure }), floor);
  printTable(rows);
  for (const [name, goal] of Object.entries(goals)) {
    const { ratio } = rows.find((row) => row.name === name);
    console.log(`goal: ${name} ≥ ${goal.toFixed(2)} of ${floor}: ${ratio.toFixed(2)}`);
  }
}

async function work(name, { callers, seconds }, env) {
  const args = [path.join(outdir, 'worker.js'), name, callers, seconds];
  const [command, pinned] = onCore(workCore, process.execPath, args.map(String));
  const { stdout } = await run(command, pinned, { env });
  return JSON.parse(stdout);
}

/** One caller, one question at a time: how often Redis has to read from its socket for each. */
async function countRoundTrips(env) {
  console.log('\nRound trips of Redis for each request, one caller\n');
  const redis = new Redis(env.BENCH_REDIS_URL);
  const reads = async () => Number(/total_reads_processed:(\d+)/.exec(await redis.info('stats'))?.[1]);
  try {
    for (const name of ['ioredis, GET', 'cached read', 'limiter + cached read']) {
      const before = await reads();
      const startedAt = Date.now();
      const { total } = await work(name, { callers: 1, seconds: 2 }, env);
      const trips = (await reads()) - before;
      console.log(
        `${name.padEnd(24)} ${(trips / total).toFixed(3)}  (${trips} for ${total} in ${Date.now() - startedAt} ms)`,
      );
    }
  } finally {
    await redis.quit();
  }
}

function place() {
  return hasTaskset()
    ? `work on core ${workCore}, servers on core ${serverCore}`
    : 'cores not pinned (no taskset)';
}

await main();
