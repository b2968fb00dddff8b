import os from 'node:os';
import path from 'node:path';

/** The folder of the clone. */
export const workspaceRoot = path.resolve(import.meta.dirname, '../..');

/** Where everything that `npm start` and the tests leave behind lives; ignored by git. */
export const dataDir = path.resolve(workspaceRoot, process.env.ROSTRUM_DATA_DIR || '.data');

/** Tools that take long to get are kept outside the clone, so that a second clone starts in seconds. */
export function cacheDir(...segments) {
  const base = process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache');
  return path.join(base, 'rostrum', ...segments);
}

/** A path as people want to read it: from the clone's root where it lies in there. */
export function shownPath(file) {
  const relative = path.relative(workspaceRoot, file);
  return relative.startsWith('..') ? file : relative;
}
