import fs from 'node:fs';
import path from 'node:path';
import { ended } from '../native/child-process.mjs';
import { locatePostgres } from '../native/postgres-binaries.mjs';
import { initCluster, postgresUrl, startPostgres } from '../native/postgres.mjs';
import { postgresUser } from '../native/postgres-user.mjs';
import { redisConfig, startRedis } from '../native/redis.mjs';
import { dataDir } from '../native/workspace.mjs';
import { secretText } from './secrets.mjs';
import { logFileOf } from './service-units.mjs';

export const postgresFolder = path.join(dataDir, 'postgres');

/** The embedded PostgreSQL as a unit of the supervisor, and the superuser's URL of it. */
export async function postgresUnit({ ports, env }) {
  const binaries = locatePostgres(env);
  const user = postgresUser(binaries, postgresFolder);
  const password = secretText('postgres-superuser');
  const port = ports.POSTGRES_PORT;
  const logFile = logFileOf('postgres');
  await initCluster({ binaries, user, password });
  const settings = { max_connections: 200, shared_buffers: '128MB' };
  const unit = {
    name: 'postgres',
    logFile,
    match: user.folder,
    stopSignal: 'SIGINT',
    async start() {
      const { child, stop } = await startPostgres({ binaries, user, port, logFile, settings });
      return { pid: child.pid, exited: ended(child), stop };
    },
  };
  return { unit, url: postgresUrl({ port, password }), folder: user.folder, origin: binaries.origin };
}

/** Redis as a unit of the supervisor; its data is appended to disk, since events wait in it. */
export function redisUnit({ ports, binary }) {
  const dir = path.join(dataDir, 'redis');
  const configFile = path.join(dir, 'redis.conf');
  const password = secretText('redis');
  const port = ports.REDIS_PORT;
  const logFile = logFileOf('redis');
  fs.mkdirSync(dir, { recursive: true });
  const settings = {
    port,
    bind: '127.0.0.1',
    dir,
    requirepass: password,
    appendonly: 'yes',
    appendfsync: 'everysec',
    // Streams must not be evicted.
    'maxmemory-policy': 'noeviction',
    'set-proc-title': 'no',
  };
  fs.writeFileSync(configFile, redisConfig(settings), { mode: 0o600 });
  const unit = {
    name: 'redis',
    logFile,
    match: configFile,
    stopSignal: 'SIGTERM',
    async start() {
      const { child, stop } = await startRedis({ binary, configFile, port, password, logFile });
      return { pid: child.pid, exited: ended(child), stop };
    },
  };
  return { unit, url: `redis://:${password}@127.0.0.1:${port}` };
}
