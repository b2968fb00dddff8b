/**
 * Runs one throw-away server for a test that hurts it:  node server-keeper.mjs postgres|replica|pgbouncer|redis|nats [mode]
 * The mode of Redis is how its data survives a restart: "persistent" (each write is on disk before its answer),
 * "everysec" (on disk a second later), or not at all. That of the first three is JSON (see ../postgres/postgres-servers.mjs).
 * Reads commands from its standard input, one a line (start, pause, resume, kill, stop), and answers each with a line
 * of JSON. The end of the input ends everything, so that no server outlives its test.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';

const native = path.resolve(import.meta.dirname, '../../../../tools/native');
const { freePort } = await import(path.join(native, 'ports.mjs'));
const { ended, hasEnded } = await import(path.join(native, 'child-process.mjs'));
const { waitUntil } = await import(path.join(native, 'wait-until.mjs'));
const { dataDir } = await import(path.join(native, 'workspace.mjs'));

const [kind = '', mode = ''] = process.argv.slice(2);
const preparations = {
  postgres: ofPostgres('preparePostgres'),
  replica: ofPostgres('prepareReplica'),
  pgbouncer: ofPostgres('preparePgBouncer'),
  redis: prepareRedis,
  nats: prepareNats,
};
if (!Object.hasOwn(preparations, kind)) {
  process.stdout.write('Usage: node server-keeper.mjs postgres|replica|pgbouncer|redis|nats [mode]\n');
  process.exit(kind === '--help' ? 0 : 64);
}

const testDir = path.join(dataDir, 'test');
fs.mkdirSync(testDir, { recursive: true });
const folder = fs.mkdtempSync(path.join(testDir, `own-${kind}-`));
const logFile = path.join(folder, 'server.log');
const { urlAt, launchAt } = await preparations[kind]();
let port;
let running;

function ofPostgres(name) {
  return async () => {
    const parts = await import('../postgres/postgres-servers.mjs');
    return parts[name]({ folder, logFile, given: mode === '' ? {} : JSON.parse(mode) });
  };
}

async function prepareRedis() {
  const { provideRedis } = await import(path.join(native, 'redis-binary.mjs'));
  const { redisConfig, startRedis } = await import(path.join(native, 'redis.mjs'));
  const binary = await provideRedis();
  const configFile = path.join(folder, 'redis.conf');
  const settings = {
    bind: '127.0.0.1',
    dir: folder,
    save: '',
    appendonly: mode === '' ? 'no' : 'yes',
    appendfsync: mode === 'everysec' ? 'everysec' : 'always',
  };
  return {
    urlAt: (where) => `redis://127.0.0.1:${where}`,
    launchAt: (where) => {
      fs.writeFileSync(configFile, redisConfig({ port: where, ...settings }));
      return startRedis({ binary, configFile, port: where, logFile });
    },
  };
}

async function prepareNats() {
  const { provideNats } = await import(path.join(native, 'nats-binary.mjs'));
  const { startNats } = await import(path.join(native, 'nats.mjs'));
  const binary = await provideNats();
  return {
    urlAt: (where) => `nats://127.0.0.1:${where}`,
    launchAt: (where) => startNats({ binary, folder, port: where, logFile }),
  };
}

/** At the same port every time; at first at a free one, which somebody else may take before us. */
async function launch(attempts = 3) {
  const where = port ?? (await freePort());
  try {
    const started = await launchAt(where);
    port = where;
    return started;
  } catch (error) {
    if (port || attempts <= 1) throw error;
    return launch(attempts - 1);
  }
}

/** The server and its children: PostgreSQL has one for each connection, and a signal reaches only the one it is sent to. */
function processes() {
  const { pid } = running.child;
  const shown = spawnSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).stdout;
  const children = shown
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter(([, parent]) => parent === pid)
    .map(([child]) => child);
  return [pid, ...children];
}

/** A process that nobody has taken note of yet is dead all the same. */
function isRunning(pid) {
  const state = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).stdout.trim();
  return state !== '' && !state.startsWith('Z');
}

function signalAll(signal) {
  for (const pid of processes()) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
    }
  }
}

const commands = {
  async start() {
    if (!running || hasEnded(running.child)) running = await launch();
  },
  pause: () => signalAll('SIGSTOP'),
  resume: () => signalAll('SIGCONT'),
  async kill() {
    if (!running || hasEnded(running.child)) return;
    const all = processes();
    signalAll('SIGKILL');
    await ended(running.child);
    // A server that starts while a process of the one before still lives refuses the shared memory of both.
    await waitUntil(() => !all.some(isRunning), { timeoutMs: 5000, what: 'the end of all its processes' });
  },
  async stop() {
    if (!running || hasEnded(running.child)) return;
    signalAll('SIGCONT');
    await running.stop();
  },
};

async function obey(command) {
  try {
    await commands[command]();
    return { pid: running?.child.pid };
  } catch (error) {
    return { error: error.message };
  }
}

async function end() {
  await commands.kill();
  fs.rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  process.exit(0);
}

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.once(signal, () => void end());

const first = await obey('start');
process.stdout.write(`${JSON.stringify({ ...first, url: port && urlAt(port) })}\n`);
if (first.error) await end();
for await (const command of readline.createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await obey(command))}\n`);
}
await end();
