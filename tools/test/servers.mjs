import { spawn } from 'node:child_process';
import path from 'node:path';
import readline from 'node:readline';

/**
 * Starts a throw-away PostgreSQL and Redis, each on a free port. They end with `stop()`, and also when the calling
 * process dies without it, since they belong to a host process that watches it.
 */
export async function startTestServers(names = ['postgres', 'redis']) {
  const host = spawn(process.execPath, [path.join(import.meta.dirname, 'server-host.mjs'), ...names], {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const exit = new Promise((resolve) => host.once('exit', resolve));
  let complaints = '';
  host.stderr.setEncoding('utf8').on('data', (chunk) => (complaints += chunk));
  const line = await Promise.race([firstLine(host.stdout), exit]);
  if (typeof line !== 'string')
    throw new Error(`No test servers: ${complaints.trim() || `exit code ${line}`}`);
  for (const handle of [host, host.stdin, host.stdout, host.stderr]) handle.unref();
  const stop = async () => {
    host.ref();
    host.stdin.end();
    await exit;
  };
  return { ...JSON.parse(line), stop };
}

function firstLine(stream) {
  const lines = readline.createInterface({ input: stream });
  return new Promise((resolve) => lines.once('line', resolve));
}
