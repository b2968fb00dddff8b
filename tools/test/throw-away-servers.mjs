import fs from 'node:fs';
import path from 'node:path';
import { commandLineOf, isAlive, killGroup } from '../native/child-process.mjs';
import { freePort } from '../native/ports.mjs';
import { locatePostgres } from '../native/postgres-binaries.mjs';
import { initCluster, postgresUrl, startPostgres } from '../native/postgres.mjs';
import { postgresUser } from '../native/postgres-user.mjs';
import { provideRedis } from '../native/redis-binary.mjs';
import { redisConfig, startRedis } from '../native/redis.mjs';
import { waitUntil } from '../native/wait-until.mjs';
import { dataDir } from '../native/workspace.mjs';

const testDir = path.join(dataDir, 'test');
const password = 'test';

/** Speed over safety: the data of a test run is worth nothing once it ends. */
const throwAwaySettings = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_connections: 300,
  shared_buffers: '64MB',
  max_wal_size: '4GB',
  autovacuum_naptime: '10min',
  logging_collector: 'off',
};

/** Starts the named servers in a folder of their own: `{ description, stop() }`. */
export async function startThrowAwayServers(names) {
  await sweep();
  fs.mkdirSync(testDir, { recursive: true });
  const folder = fs.mkdtempSync(path.join(testDir, 'run-'));
  // PostgreSQL may run as another user, who has to pass through.
  fs.chmodSync(folder, 0o711);
  fs.writeFileSync(path.join(folder, 'owner.json'), JSON.stringify({ host: process.pid }));
  const starters = { postgres: startPostgresIn, redis: startRedisIn };
  const results = await Promise.allSettled(names.map((name) => starters[name](folder)));
  const started = results.filter((result) => result.status === 'fulfilled').map((result) => result.value);
  const stop = async () => {
    await Promise.all(started.map((server) => server.stop()));
    removeRun(folder);
  };
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) {
    await stop();
    throw failed.reason;
  }
  const description = Object.assign({}, ...started.map((server) => server.description));
  const pids = started.map((server) => server.pid);
  fs.writeFileSync(path.join(folder, 'owner.json'), JSON.stringify({ host: process.pid, pids }));
  return { description, stop };
}

async function startPostgresIn(folder) {
  const binaries = locatePostgres();
  const user = postgresUser(binaries, path.join(folder, 'postgres'));
  await initCluster({ binaries, user, password, durable: false });
  return withFreePort(async (port) => {
    const logFile = path.join(folder, 'postgres.log');
    const { child, stop } = await startPostgres({
      binaries,
      user,
      port,
      logFile,
      settings: throwAwaySettings,
    });
    return {
      pid: child.pid,
      description: { postgresUrl: postgresUrl({ port, password }), postgresPid: child.pid },
      stop: async () => {
        await stop('SIGQUIT');
        // The data may have had to lie elsewhere.
        removeRun(user.folder);
      },
    };
  });
}

async function startRedisIn(folder) {
  const binary = await provideRedis();
  const dir = path.join(folder, 'redis');
  fs.mkdirSync(dir);
  return withFreePort(async (port) => {
    const configFile = path.join(dir, 'redis.conf');
    const settings = {
      port,
      bind: '127.0.0.1',
      dir,
      save: '',
      appendonly: 'no',
      databases: 256,
      'set-proc-title': 'no',
    };
    fs.writeFileSync(configFile, redisConfig(settings));
    const { child, stop } = await startRedis({
      binary,
      configFile,
      port,
      logFile: path.join(folder, 'redis.log'),
    });
    return {
      pid: child.pid,
      description: { redisUrl: `redis://127.0.0.1:${port}`, redisPid: child.pid },
      stop,
    };
  });
}

/** Somebody else may take the port between our asking and the server's listening. */
async function withFreePort(start, attempts = 3) {
  try {
    return await start(await freePort());
  } catch (error) {
    if (attempts <= 1) throw error;
    return withFreePort(start, attempts - 1);
  }
}

/** Removes what runs that were killed left behind: only processes that still carry the run's folder in their command. */
async function sweep() {
  if (!fs.existsSync(testDir)) return;
  for (const name of fs.readdirSync(testDir).filter((entry) => entry.startsWith('run-'))) {
    const folder = path.join(testDir, name);
    const owner = readOwner(folder);
    if (!owner || (isAlive(owner.host) && commandLineOf(owner.host)?.includes('server-host'))) continue;
    await endLost(owner.pids ?? [], folder);
    removeRun(folder);
  }
}

async function endLost(pids, folder) {
  const lost = () => pids.filter((pid) => commandLineOf(pid)?.includes(folder));
  for (const pid of lost()) killGroup(pid, 'SIGQUIT');
  const gone = () => lost().length === 0;
  await waitUntil(gone, { timeoutMs: 5000 }).catch(() => lost().forEach((pid) => killGroup(pid)));
}

function readOwner(folder) {
  try {
    return JSON.parse(fs.readFileSync(path.join(folder, 'owner.json'), 'utf8'));
  } catch {
    return undefined;
  }
}

function removeRun(folder) {
  fs.rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}
