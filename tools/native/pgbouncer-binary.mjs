/** The pooler of the tests:  node tools/native/pgbouncer-binary.mjs  prints where PgBouncer is, getting it if need be. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { findOnPath, runCommand } from './child-process.mjs';
import { hasApt, unpackDebianPackages } from './debian-packages.mjs';
import { printProvided } from './print-provided.mjs';
import { providePackaged } from './provide-packaged.mjs';

const pgbouncer = {
  name: 'pgbouncer',
  title: 'PgBouncer',
  programs: ['pgbouncer'],
  wanted: 'PgBouncer',
  advice: "Install PgBouncer with your system's package manager, or set PGBOUNCER_BIN.",
  inspect,
  ways,
};

/** The PgBouncer to run, `{ command, env, version }`: PGBOUNCER_BIN, PATH, the user's cache, Debian's package, Homebrew. */
export function providePgBouncer(hooks) {
  return providePackaged(pgbouncer, hooks);
}

function inspect({ command, env }) {
  const shown = spawnSync(command, ['--version'], { encoding: 'utf8', env: { ...process.env, ...env } });
  const version = /PgBouncer (\d+\.\d+\.\d+)/i.exec(shown.stdout ?? '')?.[1];
  return version && { command, env, version };
}

function* ways() {
  if (hasApt()) yield ["the system's package, unpacked", fromDebian];
  if (findOnPath('brew')) yield ['Homebrew', fromHomebrew, { kept: false }];
}

function fromDebian(folder, hooks) {
  const locate = (root) => path.join(root, 'usr/sbin/pgbouncer');
  return unpackDebianPackages(folder, { packages: ['pgbouncer'], locate, ...hooks });
}

async function fromHomebrew(_folder, { signal }) {
  const env = { ...process.env, HOMEBREW_NO_AUTO_UPDATE: '1', HOMEBREW_NO_INSTALL_CLEANUP: '1' };
  await runCommand('brew', ['install', '--quiet', 'pgbouncer'], { env, signal, timeout: 600_000 });
  const prefix = (await runCommand('brew', ['--prefix'])).trim();
  return { command: path.join(prefix, 'bin/pgbouncer'), env: {} };
}

await printProvided(import.meta, providePgBouncer);
