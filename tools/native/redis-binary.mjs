import { spawnSync } from 'node:child_process';
import { ClearError } from './clear-error.mjs';
import { findOnPath } from './child-process.mjs';

/** XAUTOCLAIM came with 6.2; valkey counts on from 7.2. */
const oldest = [6, 2];

/** The Redis to run: `{ command, env }`. */
export async function provideRedis() {
  const found = inspect(findOnPath('redis-server', 'valkey-server'));
  if (found) return found;
  throw new ClearError(
    'No redis-server or valkey-server is here.',
    'Install Redis 6.2 or newer (for example with your package manager), or set REDIS_URL.',
  );
}

function inspect(command, env = {}) {
  if (!command) return undefined;
  const shown = spawnSync(command, ['--version'], { encoding: 'utf8', env: { ...process.env, ...env } });
  const version = /v=(\d+)\.(\d+)/
    .exec(shown.stdout ?? '')
    ?.slice(1)
    .map(Number);
  if (!version) return undefined;
  const enough = version[0] > oldest[0] || (version[0] === oldest[0] && version[1] >= oldest[1]);
  return enough ? { command, env } : undefined;
}
