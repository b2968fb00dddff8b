import fs from 'node:fs';
import path from 'node:path';
import { runCommand } from './child-process.mjs';
import { unpackDebianPackages } from './debian-packages.mjs';

const commandLimitMs = 180_000;

/** Debian's or Ubuntu's own Redis, unpacked into a folder. Resolves to `{ command, env }`. */
export function unpackDebianRedis(folder, hooks) {
  return unpackDebianPackages(folder, {
    packages: ['redis-tools', 'redis-server'],
    locate: (root) => ensureServerLink(path.join(root, 'usr/bin')),
    ...hooks,
  });
}

/** As root, where unpacking failed: redis-tools carries the program but no service. */
export async function installDebianRedis(folder, { report, signal }) {
  report('installing the package redis-tools (it holds no service)');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const run = (...args) => runCommand('apt-get', ['-qq', ...args], { env, signal, timeout: commandLimitMs });
  await run('update');
  await run('install', '--yes', '--no-install-recommends', 'redis-tools');
  const link = path.join(folder, 'redis-server');
  fs.symlinkSync('/usr/bin/redis-check-rdb', link);
  return { command: link, env: {} };
}

/** One program serves all of Redis's commands and looks at the name it is called by. */
function ensureServerLink(bin) {
  const server = path.join(bin, 'redis-server');
  if (!fs.existsSync(server)) fs.symlinkSync('redis-check-rdb', server);
  return server;
}
