import { spawn } from 'node:child_process';
import readline from 'node:readline';
import { killGroup } from './child-process.mjs';

const obedienceMs = 8000;

/**
 * Runs a command that may take long, line by line, in a process group of its own: when the signal aborts, the command
 * and all that it started end (asked by `abortSignal`, then made to). Resolves to `{ code, lines }`, the last lines it printed.
 */
export function runGroup(
  command,
  args,
  { onLine = () => {}, signal, abortSignal = 'SIGKILL', keep = 30, ...options } = {},
) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const child = spawn(command, args, { detached: true, ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    const lines = [];
    const take = (line) => {
      lines.push(line);
      if (lines.length > keep) lines.shift();
      onLine(line);
    };
    for (const stream of [child.stdout, child.stderr])
      readline.createInterface({ input: stream }).on('line', take);
    let late;
    const abort = () => {
      killGroup(child.pid, abortSignal);
      late = setTimeout(() => killGroup(child.pid, 'SIGKILL'), obedienceMs);
    };
    signal?.addEventListener('abort', abort, { once: true });
    child.once('error', reject);
    child.once('close', (code) => {
      signal?.removeEventListener('abort', abort);
      clearTimeout(late);
      if (signal?.aborted) return reject(signal.reason);
      resolve({ code: code ?? 1, lines });
    });
  });
}
