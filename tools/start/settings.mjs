import fs from 'node:fs';
import path from 'node:path';
import { ClearError } from '../native/clear-error.mjs';
import { freePort } from '../native/ports.mjs';
import { workspaceRoot } from '../native/workspace.mjs';
import { gatewaySettings } from '../gateway/settings.mjs';
import { readDotEnv } from './dot-env.mjs';

export const services = ['auth', 'posts', 'realtime'];

/** Every port of a running system; each name is also the setting that moves it. */
export const defaultPorts = {
  GATEWAY_HTTPS_PORT: 8443,
  GATEWAY_HTTP_PORT: 8000,
  GATEWAY_INTERNAL_PORT: 8090,
  DOCS_PORT: 8095,
  MAIL_PORT: 8096,
  MAIL_SMTP_PORT: 8025,
  AUTH_PORT: 8080,
  AUTH_OPS_PORT: 9080,
  AUTH_WORKER_OPS_PORT: 9180,
  POSTS_PORT: 8081,
  POSTS_OPS_PORT: 9081,
  POSTS_WORKER_OPS_PORT: 9181,
  REALTIME_PORT: 8082,
  REALTIME_OPS_PORT: 9082,
  REALTIME_WORKER_OPS_PORT: 9182,
  POSTGRES_PORT: 55432,
  REDIS_PORT: 56379,
};

const urlSettings = { DATABASE_URL: /^postgres(ql)?:$/, REDIS_URL: /^rediss?:$/ };

/** `.env` below the process's environment, checked: `{ env, ports, databaseUrl, redisUrl, gateway }`. */
export async function readSettings(processEnv) {
  const dotEnvFile = path.resolve(workspaceRoot, processEnv.ROSTRUM_ENV_FILE || '.env');
  const env = { ...readDotEnv(dotEnvFile), ...processEnv };
  const problems = [...portProblems(env), ...urlProblems(env), ...otherProblems(env)];
  const gateway = attempt(() => gatewaySettings(env), problems);
  if (problems.length > 0) {
    throw new ClearError(
      `The settings are wrong: ${problems.join('; ')}.`,
      'Correct .env or the environment.',
    );
  }
  return {
    env,
    ports: await choosePorts(env),
    databaseUrl: env.DATABASE_URL || undefined,
    redisUrl: env.REDIS_URL || undefined,
    minFreeDiskMb: Number(env.MIN_FREE_DISK_MB || 500),
    gateway,
  };
}

function* portProblems(env) {
  const taken = new Map();
  for (const [name, fallback] of Object.entries(defaultPorts)) {
    const text = env[name] || String(fallback);
    if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
      yield `${name} must be a port number, not "${text}"`;
    else if (taken.has(text) && text !== '0') yield `${name} and ${taken.get(text)} are both ${text}`;
    taken.set(text, name);
  }
  if (env.PORTS && env.PORTS !== 'free') yield `PORTS can only be "free", not "${env.PORTS}"`;
}

function* urlProblems(env) {
  for (const [name, protocol] of Object.entries(urlSettings)) {
    const url = env[name] && (URL.canParse(env[name]) ? new URL(env[name]) : { protocol: '' });
    // The value may hold a password, so it is not shown.
    if (url && !protocol.test(url.protocol))
      yield `${name} is no ${name === 'REDIS_URL' ? 'redis' : 'postgres'}:// URL`;
  }
}

function* otherProblems(env) {
  const folder = env.POSTGRES_BIN_DIR;
  if (folder && !fs.existsSync(folder)) yield `POSTGRES_BIN_DIR: there is no folder ${folder}`;
  if (env.MIN_FREE_DISK_MB && !/^\d{1,9}$/.test(env.MIN_FREE_DISK_MB)) {
    yield `MIN_FREE_DISK_MB must be a whole number, not "${env.MIN_FREE_DISK_MB}"`;
  }
}

function attempt(read, problems) {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ClearError)) throw error;
    problems.push(error.message.replace(/\.$/, ''));
    return undefined;
  }
}

/** `PORTS=free` lets a second system run beside the first: whatever is not set gets a free port. */
async function choosePorts(env) {
  const ports = {};
  for (const [name, fallback] of Object.entries(defaultPorts)) {
    const chosen = env[name] ? Number(env[name]) : env.PORTS === 'free' ? 0 : fallback;
    ports[name] = chosen || (await unusedPort(Object.values(ports)));
  }
  return ports;
}

async function unusedPort(used) {
  const port = await freePort();
  return used.includes(port) ? unusedPort(used) : port;
}
