/** What the measurements of auth have in common: the built service, stores of its own, and who runs on which core. */
import { execFile, execFileSync } from 'node:child_process';
import crypto from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { bundle } from '../../build/bundle.mjs';
import { startTestServers } from '../../test/servers.mjs';
import { hasTaskset } from '../server-process.mjs';

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '../../..');
export const outdir = path.join(root, 'dist/bench/auth');
const serviceFolder = path.join(outdir, 'service');
export const serviceCommand = [path.join(import.meta.dirname, '../serve-app.mjs'), serviceFolder];
export const serviceCore = 0;
export const otherCore = 1;

/** Builds the service and the named scripts, starts throw-away stores, and calls `work` with the service's environment. */
export async function onStage(scripts, work) {
  await build(['make-database', ...scripts]);
  // What is started from here on inherits the core.
  if (hasTaskset()) execFileSync('taskset', ['-pc', String(otherCore), String(process.pid)]);
  console.log('Starting throw-away servers');
  const servers = await startTestServers();
  try {
    const env = { ...process.env, TEST_POSTGRES_URL: servers.postgresUrl };
    const make = [path.join(outdir, 'make-database.js'), path.join(serviceFolder, 'migrations')];
    const { stdout } = await run(process.execPath, make, { env });
    await work(serviceEnvironment(stdout.trim(), servers.redisUrl));
  } finally {
    await servers.stop();
  }
}

async function build(scripts) {
  const { files } = await bundle(
    scripts.map((name) => ({ in: path.join(import.meta.dirname, `${name}.ts`), out: name })),
  );
  mkdirSync(outdir, { recursive: true });
  for (const [name, bytes] of Object.entries(files)) writeFileSync(path.join(outdir, name), bytes);
  const app = path.join(root, 'tools/build/app.mjs');
  await run(process.execPath, [app, 'apps/auth', '--out', serviceFolder], { cwd: root });
}

/** As in production, but for limits that one address would reach at once. */
function serviceEnvironment(databaseUrl, redisUrl) {
  const secret = () => `1:${crypto.randomBytes(32).toString('base64')}`;
  return {
    ENVIRONMENT: 'production',
    HOST: '127.0.0.1',
    LOG_OUTPUT: '/dev/null',
    LOG_SAMPLE_FIRST: '0',
    LOG_SAMPLE_EVERY: '1',
    DATABASE_URL: databaseUrl,
    DATABASE_MAX_CONNECTIONS: '10',
    DATABASE_MIN_IDLE: '2',
    REDIS_URL: redisUrl,
    JWT_ISSUER: 'https://auth.test',
    JWT_AUDIENCE: 'rostrum',
    KMS_MASTER_KEY: secret(),
    AUTH_SECRET: secret(),
    RATE_LIMIT_API_REQUESTS: '1000000000',
    RATE_LIMIT_AUTH_REQUESTS: '1000000000',
    LOGIN_FREE_FAILURES: '1000',
  };
}
