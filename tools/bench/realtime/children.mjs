/** Processes that do what they are asked over their IPC channel. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { onCore } from '../server-process.mjs';

const clockTicksPerSecond = 100;
/** Nothing takes so long that goes as it should. */
const answerLimitMs = 120_000;

/** Starts a script on a core. It answers each order with `{ did, … }`; what it says first is `hello`. */
export async function startChild(script, { core, env = {}, nodeArguments = [], says = false }) {
  const [command, args] = onCore(core, process.execPath, ['--expose-gc', ...nodeArguments, script]);
  const child = spawn(command, args, {
    env: { ...process.env, NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`${script} ended with ${code}`);
  });
  failed.catch(() => undefined);
  const next = async (what) => {
    const signal = AbortSignal.timeout(answerLimitMs);
    const late = (cause) => {
      throw new Error(`${script} does not answer: ${what}`, { cause });
    };
    return (await Promise.race([once(child, 'message', { signal }).catch(late), failed]))[0];
  };
  const hello = says ? await next('hello') : undefined;
  return {
    hello,
    async ask(what, more = {}) {
      child.send({ do: what, ...more });
      return next(what);
    },
    cpuSeconds: () => cpuSeconds(child.pid),
    /** As by the machine itself: nobody is told anything. */
    async kill() {
      child.kill('SIGKILL');
      await failed.catch(() => undefined);
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** User and system time of the process, which taskset has replaced itself with. */
function cpuSeconds(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [utime, stime] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  return (Number(utime) + Number(stime)) / clockTicksPerSecond;
}
