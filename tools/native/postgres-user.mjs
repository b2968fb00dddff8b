import { spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { ClearError } from './clear-error.mjs';
import { findOnPath } from './child-process.mjs';

/** PostgreSQL refuses to run as root, so root runs it as the user that owns nothing. */
const nobody = { uid: 65534, gid: 65534 };

/**
 * How to run PostgreSQL's programs as this user: `{ command(program, args) → [program, args, spawnOptions], owner,
 * folder }`. `owner` has to own the data folder, `folder` is where the data can lie.
 */
export function postgresUser(binaries, wantedFolder) {
  if (process.getuid?.() !== 0) {
    return { command: (program, args) => [program, args, {}], owner: undefined, folder: wantedFolder };
  }
  return throughCapabilities(binaries, wantedFolder) ?? throughUserSwitch(binaries, wantedFolder);
}

/**
 * With the capability to pass closed folders kept, the unprivileged user reaches binaries and data even when the
 * clone lies below a folder that only root may enter.
 */
function throughCapabilities(binaries, folder) {
  const setpriv = findOnPath('setpriv');
  if (!setpriv) return undefined;
  const flags = [
    `--reuid=${nobody.uid}`,
    `--regid=${nobody.gid}`,
    '--clear-groups',
    '--securebits=+no_setuid_fixup',
    '--inh-caps=+dac_override',
    '--ambient-caps=+dac_override',
    '--',
  ];
  const command = (program, args) => [setpriv, [...flags, program, ...args], {}];
  return runs(command, binaries.postgres) ? { command, owner: nobody, folder } : undefined;
}

function throughUserSwitch(binaries, wantedFolder) {
  const command = (program, args) => [program, args, nobody];
  if (!runs(command, binaries.postgres)) {
    throw new ClearError(
      `PostgreSQL refuses to run as root, and an unprivileged user cannot reach ${binaries.postgres}.`,
      'Run as another user, move the clone to a folder that others may enter, or set DATABASE_URL.',
    );
  }
  const reachable = runs((program, args) => [program, args, nobody], '/bin/sh', [
    '-c',
    'cd "$0"',
    nearestFolder(wantedFolder),
  ]);
  return { command, owner: nobody, folder: reachable ? wantedFolder : outsideFolder(wantedFolder) };
}

/** Where the data lies when the clone cannot be entered: one folder per wanted one. */
export function outsideFolder(wantedFolder) {
  const key = crypto.createHash('sha256').update(wantedFolder).digest('hex').slice(0, 16);
  return path.join('/var/tmp', `rostrum-${key}`);
}

function nearestFolder(folder) {
  return fs.existsSync(folder) ? folder : nearestFolder(path.dirname(folder));
}

function runs(command, program, args = ['--version']) {
  const [file, argv, options] = command(program, args);
  return spawnSync(file, argv, { ...options, cwd: '/', stdio: 'ignore' }).status === 0;
}
