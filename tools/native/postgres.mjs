import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ClearError } from './clear-error.mjs';
import { ended, hasEnded, runCommand, spawnServer, stopChild, tailOfFile } from './child-process.mjs';
import { waitUntil } from './wait-until.mjs';

export const superuser = 'postgres';

/** Makes the cluster's data folder unless it exists. A half-made one is never taken for a whole one. */
export async function initCluster({ binaries, user, password, durable = true }) {
  const data = user.folder;
  if (fs.existsSync(path.join(data, 'PG_VERSION'))) return checkVersion(binaries, data);
  const draft = `${data}.new`;
  fs.rmSync(draft, { recursive: true, force: true });
  makeOwnFolder(draft, user.owner);
  const passwordFolder = fs.mkdtempSync(path.join(os.tmpdir(), 'rostrum-initdb-'));
  try {
    const passwordFile = writePassword(passwordFolder, password, user.owner);
    const [command, args, options] = user.command(binaries.initdb, [
      `--pgdata=${draft}`,
      `--username=${superuser}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      ...localeFlags(binaries.major),
      ...(durable ? [] : ['--no-sync']),
    ]);
    await runCommand(command, args, { ...options, cwd: '/', env: cleanEnvironment() }).catch(explain);
    fs.rmSync(data, { recursive: true, force: true });
    fs.renameSync(draft, data);
  } catch (error) {
    fs.rmSync(draft, { recursive: true, force: true });
    throw error;
  } finally {
    fs.rmSync(passwordFolder, { recursive: true, force: true });
  }
}

function explain(error) {
  if (!error.message.includes('could not look up effective user ID')) throw error;
  throw new ClearError(
    `PostgreSQL runs only as a user that has a name, and ${process.getuid()} has none.`,
    'Run as a user with an entry in /etc/passwd, or set DATABASE_URL.',
    { cause: error },
  );
}

/** The locale that PostgreSQL brings itself sorts the same on every machine, where it has one. */
function localeFlags(major) {
  return major >= 17
    ? ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
    : ['--locale=C.UTF-8'];
}

function checkVersion(binaries, data) {
  const made = Number(fs.readFileSync(path.join(data, 'PG_VERSION'), 'utf8'));
  if (made === binaries.major) return;
  throw new ClearError(
    `${data} was made by PostgreSQL ${made}, and the one found here is ${binaries.major}.`,
    `Set POSTGRES_BIN_DIR to a PostgreSQL ${made}, or remove the data with npm run reset.`,
  );
}

function makeOwnFolder(folder, owner) {
  fs.mkdirSync(folder, { recursive: true });
  fs.chmodSync(folder, 0o700);
  if (owner) fs.chownSync(folder, owner.uid, owner.gid);
}

function writePassword(folder, password, owner) {
  const file = path.join(folder, 'password');
  fs.writeFileSync(file, password, { mode: 0o600 });
  if (owner) {
    fs.chownSync(folder, owner.uid, owner.gid);
    fs.chownSync(file, owner.uid, owner.gid);
  }
  return file;
}

/** The caller's PG* settings are meant for other servers. */
function cleanEnvironment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PG')));
}

/** Starts the server on a loopback port and resolves when it takes connections: `{ child, stop(signal?) }`. */
export async function startPostgres({ binaries, user, port, logFile, settings = {} }) {
  const all = { port, listen_addresses: '127.0.0.1', unix_socket_directories: '', ...settings };
  const flags = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const [command, args, options] = user.command(binaries.postgres, ['-D', user.folder, ...flags]);
  const child = spawnServer(command, args, { ...options, cwd: '/', env: cleanEnvironment(), logFile });
  const exit = ended(child);
  try {
    await waitUntil(() => hasEnded(child) || isReady(user.folder, child.pid), { timeoutMs: 60_000 });
  } catch (error) {
    await stopChild(child, { signal: 'SIGQUIT', limitMs: 5000 });
    throw error;
  }
  if (hasEnded(child)) {
    const { code, error } = await exit;
    throw new Error(`PostgreSQL ended with ${error?.message ?? `code ${code}`}: ${tailOfFile(logFile, 5)}`);
  }
  return { child, stop: (signal = 'SIGINT') => stopChild(child, { signal, limitMs: 20_000 }) };
}

/** The postmaster writes its state into the eighth line of its pid file. */
function isReady(folder, pid) {
  try {
    const lines = fs.readFileSync(path.join(folder, 'postmaster.pid'), 'utf8').split('\n');
    return Number(lines[0]) === pid && lines[7]?.trim() === 'ready';
  } catch {
    return false;
  }
}

export function postgresUrl({ port, password, database = 'postgres', user = superuser }) {
  return `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`;
}
