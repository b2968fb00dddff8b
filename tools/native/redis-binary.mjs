/** The store's engine:  node tools/native/redis-binary.mjs  prints where a fitting Redis is, getting it if need be. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { findOnPath, runCommand } from './child-process.mjs';
import { hasApt } from './debian-packages.mjs';
import { printProvided } from './print-provided.mjs';
import { providePackaged } from './provide-packaged.mjs';
import { installDebianRedis, unpackDebianRedis } from './redis-debian.mjs';

/** XAUTOCLAIM came with 6.2; valkey counts on from 7.2. */
const oldest = [6, 2];

const redis = {
  name: 'redis',
  title: 'Redis',
  programs: ['redis-server', 'valkey-server'],
  wanted: 'Redis of version 6.2 or newer',
  advice: "Install Redis 6.2 or newer with your system's package manager, or set REDIS_URL.",
  inspect,
  ways,
};

/** The Redis to run, `{ command, env }`: REDIS_BIN, PATH, the user's cache, Debian's or Ubuntu's package, Homebrew. */
export function provideRedis(hooks) {
  return providePackaged(redis, hooks);
}

function inspect({ command, env }) {
  const shown = spawnSync(command, ['--version'], { encoding: 'utf8', env: { ...process.env, ...env } });
  const version = /server v=(\d+)\.(\d+)/i
    .exec(shown.stdout ?? '')
    ?.slice(1)
    .map(Number);
  if (!version) return undefined;
  const enough = version[0] > oldest[0] || (version[0] === oldest[0] && version[1] >= oldest[1]);
  return enough ? { command, env, version: version.join('.') } : undefined;
}

function* ways() {
  if (hasApt()) {
    yield ["the system's package, unpacked", unpackDebianRedis];
    if (process.getuid() === 0) yield ["the system's package, installed", installDebianRedis];
  }
  if (findOnPath('brew')) yield ['Homebrew', fromHomebrew, { kept: false }];
}

async function fromHomebrew(_folder, { signal }) {
  const env = { ...process.env, HOMEBREW_NO_AUTO_UPDATE: '1', HOMEBREW_NO_INSTALL_CLEANUP: '1' };
  await runCommand('brew', ['install', '--quiet', 'redis'], { env, signal, timeout: 600_000 });
  const prefix = (await runCommand('brew', ['--prefix'])).trim();
  return { command: path.join(prefix, 'bin/redis-server'), env: {} };
}

await printProvided(import.meta, provideRedis);
