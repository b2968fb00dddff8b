/** The store's engine:  node tools/native/redis-binary.mjs  prints where a fitting Redis is, getting it if need be. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { ClearError, reasonOf } from './clear-error.mjs';
import { findOnPath, runCommand } from './child-process.mjs';
import { sha256OfFile } from './file-digest.mjs';
import { withFileLock } from './file-lock.mjs';
import { printProvided } from './print-provided.mjs';
import { hasApt, installDebianRedis, unpackDebianRedis } from './redis-debian.mjs';
import { cacheDir } from './workspace.mjs';

/** XAUTOCLAIM came with 6.2; valkey counts on from 7.2. */
const oldest = [6, 2];

/** The Redis to run, `{ command, env }`: REDIS_BIN, PATH, the user's cache, Debian's or Ubuntu's package, Homebrew. */
export async function provideRedis({ report = () => {}, signal } = {}) {
  const given = overridden() ?? inspect({ command: findOnPath('redis-server', 'valkey-server'), env: {} });
  if (given) return given;
  const cached = await fromCache();
  if (cached) return cached;
  return withFileLock(cacheDir('redis.lock'), async () => (await fromCache()) ?? obtain({ report, signal }), {
    onWait: (pid) => report(`Redis is being provided by process ${pid}; waiting for it`),
    signal,
  });
}

function overridden() {
  const chosen = process.env.REDIS_BIN;
  if (!chosen) return undefined;
  const binary = inspect({ command: chosen, env: {} });
  if (binary) return binary;
  throw new ClearError(
    `REDIS_BIN (${chosen}) is no working Redis of version 6.2 or newer.`,
    'Correct or unset it.',
  );
}

function inspect({ command, env }) {
  if (!command) return undefined;
  const shown = spawnSync(command, ['--version'], { encoding: 'utf8', env: { ...process.env, ...env } });
  const version = /server v=(\d+)\.(\d+)/i
    .exec(shown.stdout ?? '')
    ?.slice(1)
    .map(Number);
  if (!version) return undefined;
  const enough = version[0] > oldest[0] || (version[0] === oldest[0] && version[1] >= oldest[1]);
  return enough ? { command, env, version: version.join('.') } : undefined;
}

/** Any installation there whose program is still the one that was installed, and runs. */
async function fromCache() {
  const base = cacheDir('redis');
  if (!fs.existsSync(base)) return undefined;
  for (const name of fs.readdirSync(base).sort().reverse()) {
    const provenance = readProvenance(path.join(base, name));
    if (!provenance) continue;
    const inFolder = (file) => path.resolve(base, name, file);
    const command = inFolder(provenance.command);
    const unchanged = fs.existsSync(command) && (await sha256OfFile(command)) === provenance.sha256;
    const libraries = provenance.libraries.map(inFolder).join(':');
    const binary = unchanged && inspect({ command, env: libraries ? { LD_LIBRARY_PATH: libraries } : {} });
    if (binary) return binary;
  }
  return undefined;
}

function readProvenance(folder) {
  try {
    return JSON.parse(fs.readFileSync(path.join(folder, 'provenance.json'), 'utf8'));
  } catch {
    return undefined;
  }
}

async function obtain(hooks) {
  const failures = [];
  for (const [origin, way] of ways()) {
    hooks.report(`getting Redis: ${origin}`);
    try {
      return await way(origin, hooks);
    } catch (error) {
      hooks.signal?.throwIfAborted();
      failures.push(`${origin}: ${reasonOf(error)}`);
      hooks.report(`that did not work (${failures.at(-1)})`);
    }
  }
  const tried = failures.length > 0 ? ` (${failures.join('; ')})` : '';
  throw new ClearError(
    `No redis-server or valkey-server is here, and none could be had${tried}.`,
    "Install Redis 6.2 or newer with your system's package manager, or set REDIS_URL.",
  );
}

function* ways() {
  if (hasApt()) {
    yield ["the system's package, unpacked", (origin, hooks) => keep(origin, hooks, unpackDebianRedis)];
    if (process.getuid() === 0) {
      yield ["the system's package, installed", (origin, hooks) => keep(origin, hooks, installDebianRedis)];
    }
  }
  if (findOnPath('brew')) yield ['Homebrew', fromHomebrew];
}

/** Makes an installation in a draft folder and gives it its lasting place only when it runs. */
async function keep(origin, hooks, way) {
  const draft = cacheDir(`redis-${process.pid}.new`);
  fs.rmSync(draft, { recursive: true, force: true });
  fs.mkdirSync(draft, { recursive: true });
  try {
    const binary = inspect(await way(draft, hooks));
    if (!binary) throw new Error('the program does not run here');
    const sha256 = await sha256OfFile(binary.command);
    const relative = (file) => path.relative(draft, file);
    const libraries = (binary.env.LD_LIBRARY_PATH ?? '').split(':').filter(Boolean).map(relative);
    const provenance = { tool: 'redis', origin, command: relative(binary.command), libraries, sha256 };
    fs.writeFileSync(path.join(draft, 'provenance.json'), `${JSON.stringify(provenance, null, 2)}\n`);
    const folder = cacheDir('redis', `${binary.version}-${sha256.slice(0, 16)}`);
    fs.mkdirSync(path.dirname(folder), { recursive: true });
    fs.rmSync(folder, { recursive: true, force: true });
    fs.renameSync(draft, folder);
    return await fromCache();
  } finally {
    fs.rmSync(draft, { recursive: true, force: true });
  }
}

async function fromHomebrew(_origin, { signal }) {
  const env = { ...process.env, HOMEBREW_NO_AUTO_UPDATE: '1', HOMEBREW_NO_INSTALL_CLEANUP: '1' };
  await runCommand('brew', ['install', '--quiet', 'redis'], { env, signal, timeout: 600_000 });
  const prefix = (await runCommand('brew', ['--prefix'])).trim();
  const binary = inspect({ command: path.join(prefix, 'bin/redis-server'), env: {} });
  if (!binary) throw new Error('Homebrew installed a Redis that does not run');
  return binary;
}

await printProvided(import.meta, provideRedis);
