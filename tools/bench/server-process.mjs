/** Starts a compared server on a core of its own and reads how much CPU it has used. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

const clockTicksPerSecond = 100;

/** Pins a command to one core where the machine can; without taskset the system decides. */
export function onCore(core, command, args) {
  return hasTaskset() ? ['taskset', ['-c', String(core), command, ...args]] : [command, args];
}

export function hasTaskset() {
  const { PATH = '' } = process.env;
  return PATH.split(':').some((folder) => exists(`${folder}/taskset`));
}

/** The server prints `listening <port>` once it is ready, and `ops <port>` before that if it has such a port. */
export async function startServer({ args, env = {} }, core) {
  const [command, pinned] = onCore(core, process.execPath, args);
  const child = spawn(command, pinned, {
    env: { ...process.env, NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ports = await portsOf(child);
  return { ...ports, cpuSeconds: () => cpuSeconds(child.pid), stop: () => stop(child) };
}

async function portsOf(child) {
  let text = '';
  for await (const chunk of child.stdout) {
    text += chunk;
    const [, opsPort, port] = /(?:ops (\d+) )?listening (\d+)\n/.exec(text) ?? [];
    if (port) {
      child.stdout.resume();
      return { port: Number(port), ...(opsPort && { opsPort: Number(opsPort) }) };
    }
  }
  throw new Error(`The server ended before it listened: ${text}`);
}

/** User and system time; taskset replaces itself with the server, so the pid is the server's. */
function cpuSeconds(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [utime, stime] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  return (Number(utime) + Number(stime)) / clockTicksPerSecond;
}

async function stop(child) {
  if (child.exitCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

function exists(path) {
  try {
    readFileSync(path, { flag: 'r' });
    return true;
  } catch (error) {
    return error.code === 'EISDIR';
  }
}
