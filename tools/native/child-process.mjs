import { execFile, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

/** Runs a command to its end; rejects with the tail of what it printed. */
export function runCommand(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    execFile(command, args, { maxBuffer: 64 * 1024 * 1024, ...options }, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      const said = tail(`${stdout}\n${stderr}`, 8);
      reject(new Error(`${path.basename(command)} failed: ${said || error.message}`, { cause: error }));
    });
  });
}

/**
 * Starts a long-lived server in a process group of its own, so that a terminal's Ctrl-C reaches only us and we decide
 * the order in which servers end. Its output goes to a file.
 */
export function spawnServer(command, args, { logFile, channel = false, ...options }) {
  fs.mkdirSync(path.dirname(logFile), { recursive: true });
  const log = fs.openSync(logFile, 'a');
  try {
    return spawn(command, args, {
      detached: true,
      ...options,
      stdio: ['ignore', log, log, ...(channel ? ['ipc'] : [])],
    });
  } finally {
    fs.closeSync(log);
  }
}

/** Resolves when the child has ended, also when it never came to life. */
export function ended(child) {
  if (hasEnded(child)) return Promise.resolve(outcome(child));
  return new Promise((resolve) => {
    child.once('exit', () => resolve(outcome(child)));
    child.once('error', (error) => resolve({ code: null, signal: null, error }));
  });
}

export function hasEnded(child) {
  return child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
}

function outcome(child) {
  return { code: child.exitCode, signal: child.signalCode };
}

/** Asks a child to end, and ends its whole group when it does not within the limit. Resolves to whether it obeyed. */
export async function stopChild(child, { signal = 'SIGTERM', limitMs = 10_000 } = {}) {
  if (hasEnded(child)) return true;
  const gone = ended(child);
  child.kill(signal);
  let timer;
  const late = new Promise((resolve) => (timer = setTimeout(resolve, limitMs, 'late')));
  const obeyed = (await Promise.race([gone, late])) !== 'late';
  clearTimeout(timer);
  if (!obeyed) {
    killGroup(child.pid);
    await gone;
  }
  return obeyed;
}

/** Ends a process group at once; a group that is already gone is fine. */
export function killGroup(pid, signal = 'SIGKILL') {
  try {
    process.kill(-pid, signal);
    return true;
  } catch {
    return false;
  }
}

export function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** The command line of a running process, or undefined where it cannot be seen. */
export function commandLineOf(pid) {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean).join(' ') || undefined;
  } catch {
    const shown = spawnSync('ps', ['-p', String(pid), '-o', 'command='], { encoding: 'utf8' });
    return shown.status === 0 ? shown.stdout.trim() : undefined;
  }
}

/** The last lines of a text. */
export function tail(text, lines) {
  return text.trim().split('\n').slice(-lines).join('\n');
}

/** The last lines of a log file; empty when there is none. */
export function tailOfFile(file, lines = 20) {
  try {
    return tail(fs.readFileSync(file, 'utf8'), lines);
  } catch {
    return '';
  }
}

/** The first of these programs that PATH holds. */
export function findOnPath(...names) {
  const folders = (process.env.PATH ?? '').split(path.delimiter).filter(Boolean);
  for (const name of names) {
    const found = folders.map((folder) => path.join(folder, name)).find(isExecutable);
    if (found) return found;
  }
  return undefined;
}

function isExecutable(file) {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}
