/** The other bus's engine:  node tools/native/nats-binary.mjs  prints where nats-server is, getting it if need be. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { findOnPath, runCommand } from './child-process.mjs';
import { hasApt, unpackDebianPackages } from './debian-packages.mjs';
import { goBuild } from './go-build.mjs';
import { printProvided } from './print-provided.mjs';
import { providePackaged } from './provide-packaged.mjs';

/** The release that Debian 12 has; what we ask of JetStream is in all that follow. */
const oldest = [2, 9];

const nats = {
  name: 'nats-server',
  title: 'NATS',
  programs: ['nats-server'],
  wanted: 'NATS server of version 2.9 or newer',
  advice: "Install nats-server 2.9 or newer with your system's package manager, or set NATS_SERVER_BIN.",
  inspect,
  ways,
};

const goModule = {
  folder: path.join(import.meta.dirname, 'nats'),
  package: 'github.com/nats-io/nats-server/v2',
  ldflags: '-s -w',
};

/** The nats-server to run, `{ command, env, version }`: NATS_SERVER_BIN, PATH, the cache, Debian's package, Homebrew, Go. */
export function provideNats(hooks) {
  return providePackaged(nats, hooks);
}

function inspect({ command, env }) {
  const shown = spawnSync(command, ['--version'], { encoding: 'utf8', env: { ...process.env, ...env } });
  const version = /nats-server: v(\d+)\.(\d+)\.(\d+)/.exec(shown.stdout ?? '')?.slice(1);
  if (!version) return undefined;
  const [major, minor] = version.map(Number);
  const fits = major === oldest[0] && minor >= oldest[1];
  return fits ? { command, env, version: version.join('.') } : undefined;
}

function* ways() {
  if (hasApt()) yield ["the system's package, unpacked", fromDebian];
  if (findOnPath('brew')) yield ['Homebrew', fromHomebrew, { kept: false }];
  yield ['build from pinned Go modules', fromGo];
}

function fromDebian(folder, hooks) {
  const locate = (root) => path.join(root, 'usr/sbin/nats-server');
  return unpackDebianPackages(folder, { packages: ['nats-server'], locate, ...hooks });
}

async function fromHomebrew(_folder, { signal }) {
  const env = { ...process.env, HOMEBREW_NO_AUTO_UPDATE: '1', HOMEBREW_NO_INSTALL_CLEANUP: '1' };
  await runCommand('brew', ['install', '--quiet', 'nats-server'], { env, signal, timeout: 600_000 });
  const prefix = (await runCommand('brew', ['--prefix'])).trim();
  return { command: path.join(prefix, 'bin/nats-server'), env: {} };
}

async function fromGo(folder, hooks) {
  const command = path.join(folder, 'nats-server');
  await goBuild(goModule, command, hooks);
  return { command, env: {} };
}

await printProvided(import.meta, provideNats);
