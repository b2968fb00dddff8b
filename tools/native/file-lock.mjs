import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isAlive } from './child-process.mjs';

/** Lets one process at a time do the work; the lock of a process that died does not count. */
export async function withFileLock(file, work, { onWait = () => {}, signal } = {}) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  let told = false;
  while (!acquire(file)) {
    const holder = Number(fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : 0);
    if (holder && !isAlive(holder)) fs.rmSync(file, { force: true });
    else {
      if (!told) onWait(holder);
      told = true;
      await delay(250, undefined, { signal });
    }
  }
  try {
    return await work();
  } finally {
    fs.rmSync(file, { force: true });
  }
}

/** The file appears with its holder in it, so that no reader ever sees it empty. */
function acquire(file) {
  const draft = `${file}.${process.pid}`;
  fs.writeFileSync(draft, String(process.pid));
  try {
    fs.linkSync(draft, file);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    fs.rmSync(draft, { force: true });
  }
}
