/** What the measurements of posts have in common: the built service, its stores with the data set, and who calls it. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import crypto from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { bundle } from '../../build/bundle.mjs';
import { processOptions } from '../../start/process-options.mjs';
import { startTestServers } from '../../test/servers.mjs';
import { hasTaskset } from '../server-process.mjs';
import { openDataSet } from './data-set.mjs';

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '../../..');
export const outdir = path.join(root, 'dist/bench/posts');
const service = path.join(outdir, 'service');
const serve = path.join(import.meta.dirname, '../serve-app.mjs');
const { nodeArguments } = processOptions({ service: 'posts', kind: 'main' });
export const serviceCommand = [...nodeArguments, serve, service];
export const workerCommand = [serve, service, 'worker'];
export const otherCore = 1;

/** Builds what is measured, opens the stores, and calls `work` with the service's environment and its callers. */
export async function onStage({ size, people, of }, work) {
  await build();
  // What is started from here on inherits the core.
  if (hasTaskset()) execFileSync('taskset', ['-pc', String(otherCore), String(process.pid)]);
  const data = await openDataSet({
    size,
    generator: path.join(outdir, 'generate.js'),
    migrations: path.join(service, 'migrations'),
  });
  const ends = [() => data.stop()];
  try {
    const redis = await startTestServers(['redis']);
    ends.unshift(() => redis.stop());
    const callers = await startCallers(people, of);
    ends.unshift(() => callers.stop());
    await work({ env: environmentOf(data, redis, callers), data, people: callers.people });
  } finally {
    for (const end of ends) await end();
  }
}

async function build() {
  const inputs = [
    ...['generate', 'tokens', 'fan-out'].map((name) => ({
      in: path.join(import.meta.dirname, `${name}.ts`),
      out: name,
    })),
    { in: path.join(import.meta.dirname, '../http/bare-express.ts'), out: 'bare-express' },
  ];
  const { files } = await bundle(inputs);
  mkdirSync(outdir, { recursive: true });
  for (const [name, bytes] of Object.entries(files)) writeFileSync(path.join(outdir, name), bytes);
  await run(process.execPath, [path.join(root, 'tools/build/app.mjs'), 'apps/posts', '--out', service], {
    cwd: root,
  });
}

async function startCallers(people, of) {
  const child = spawn(process.execPath, [path.join(outdir, 'tokens.js'), String(people), String(of)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let text = '';
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    text += chunk;
    if (text.endsWith('\n')) break;
  }
  const stop = async () => {
    const ended = once(child, 'exit');
    child.stdin.end();
    await ended;
  };
  return { ...JSON.parse(text), stop };
}

/** As in production, but for limits that one address would reach at once. */
function environmentOf({ databaseUrl }, { redisUrl }, { issuer, audience, jwksUrl }) {
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
    JWT_ISSUER: issuer,
    JWT_AUDIENCE: audience,
    JWKS_URL: jwksUrl,
    CURSOR_SECRET: crypto.randomBytes(32).toString('base64url'),
    RATE_LIMIT_API_REQUESTS: '1000000000',
    RATE_LIMIT_AUTH_REQUESTS: '1000000000',
  };
}
