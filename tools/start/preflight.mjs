import fs from 'node:fs';
import { ClearError } from '../native/clear-error.mjs';
import { isPortFree, portHolder } from '../native/ports.mjs';

/** Refuses before anything is started when a port is taken. All taken ones are in the one line. */
export async function checkPorts(ports) {
  const taken = [];
  for (const [name, port] of Object.entries(ports)) {
    if (await isPortFree(port, '127.0.0.1')) continue;
    const holder = portHolder(port);
    taken.push({
      name,
      text: `${port}${holder ? ` (process ${holder.pid}: ${holder.command.slice(0, 80)})` : ''}`,
    });
  }
  if (taken.length === 0) return;
  throw new ClearError(
    `${taken.length > 1 ? 'Ports are' : 'A port is'} in use: ${taken.map(({ text }) => text).join(', ')}.`,
    `Stop what holds it, or set ${taken.map(({ name }) => name).join(', ')} in .env to another one.`,
  );
}

export function checkDisk(folder, wantedMb) {
  const { bavail, bsize } = fs.statfsSync(folder);
  const freeMb = Math.floor((bavail * bsize) / 2 ** 20);
  if (freeMb >= wantedMb) return;
  throw new ClearError(
    `The disk is nearly full: ${freeMb} MB are free at ${folder}, and ${wantedMb} MB are wanted.`,
    'Free some space and try again.',
  );
}

/** Whatever ran into a full disk, at whatever depth, says so. */
export function diskFullError(error) {
  const text = [error?.code, error?.message, error?.cause?.message].join(' ');
  if (!/ENOSPC|no space left on device|could not extend file/i.test(text)) return undefined;
  return new ClearError('The disk is full.', 'Free some space and try again.', { cause: error });
}
