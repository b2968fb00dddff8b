/** A browser for tests:  node tools/native/chromium-binary.mjs  prints where one is, getting it if need be. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { hasApt, unpackDebianPackages } from './debian-packages.mjs';
import { printProvided } from './print-provided.mjs';
import { providePackaged } from './provide-packaged.mjs';

/** Pages turn passkeys into JSON by themselves since then. */
const oldest = 129;

const chromium = {
  name: 'chromium',
  title: 'Chromium',
  programs: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
  wanted: `Chromium of version ${oldest} or newer`,
  advice: `Install Chromium ${oldest} or newer with your system's package manager, or set CHROMIUM_BIN.`,
  inspect,
  ways,
};

/** The browser to run, `{ command, env }`: CHROMIUM_BIN, PATH, the user's cache, Debian's package. */
export function provideChromium(hooks) {
  return providePackaged(chromium, hooks);
}

function inspect({ command, env }) {
  const options = { encoding: 'utf8', timeout: 60_000, env: { ...process.env, ...env } };
  const { stdout } = spawnSync(command, ['--version'], options);
  const [, version, major] = /Chrom\w+ ((\d+)[\d.]*)/.exec(stdout ?? '') ?? [];
  return Number(major) >= oldest ? { command, env, version } : undefined;
}

function* ways() {
  if (hasApt()) yield ["the system's package, unpacked", unpackDebianChromium];
}

async function unpackDebianChromium(folder, hooks) {
  const { env } = await unpackDebianPackages(folder, {
    packages: ['chromium', 'chromium-common'],
    locate: (root) => path.join(root, 'usr/lib/chromium/chromium'),
    ...hooks,
  });
  return { command: writeLauncher(folder, env.LD_LIBRARY_PATH.split(':')), env: {} };
}

/** One path to run it by, wherever its folder is moved to: whoever starts a browser passes no environment on. */
function writeLauncher(folder, libraries) {
  const launcher = path.join(folder, 'chromium');
  const paths = libraries.map((each) => `$here/${path.relative(folder, each)}`).join(':');
  const lines = [
    '#!/bin/sh',
    'here=$(dirname "$(readlink -f "$0")")',
    `export LD_LIBRARY_PATH="${paths}"`,
    'exec "$here/root/usr/lib/chromium/chromium" "$@"',
  ];
  fs.writeFileSync(launcher, `${lines.join('\n')}\n`, { mode: 0o755 });
  return launcher;
}

await printProvided(import.meta, provideChromium);
