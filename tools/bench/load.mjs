/** Sends load from the other core: wrk where there is one, else autocannon. Both are bounded in time. */
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { onCore } from './server-process.mjs';

const run = promisify(execFile);
const autocannon = createRequire(import.meta.url).resolve('autocannon/autocannon.js');

export async function loadTool() {
  try {
    await run('wrk', ['--version']);
  } catch (error) {
    return error.code === 'ENOENT' ? 'autocannon' : 'wrk';
  }
  return 'wrk';
}

/**
 * Resolves with requests per second, p95 in milliseconds and the number of answers that were not 2xx or 3xx. A script
 * for wrk says what is asked for, where that is more than one thing.
 */
export async function sendLoad(tool, target, core) {
  const { url, headers = {}, connections, seconds, script } = target;
  if (script && tool !== 'wrk')
    throw new Error(
      'Many different requests are sent by wrk alone: install it, for example apt-get install wrk',
    );
  const flags = Object.entries(headers).flatMap(([name, value]) => [
    '-H',
    tool === 'wrk' ? `${name}: ${value}` : `${name}=${value}`,
  ]);
  return tool === 'wrk'
    ? withWrk(
        [
          ...flags,
          ...(script ? ['-s', script] : []),
          '-t1',
          `-c${connections}`,
          `-d${seconds}s`,
          '--latency',
          url,
        ],
        core,
      )
    : withAutocannon(
        [autocannon, ...flags, '-c', String(connections), '-d', String(seconds), '--json', url],
        core,
      );
}

async function withWrk(args, core) {
  const { stdout } = await run(...onCore(core, 'wrk', args));
  const failed = /Non-2xx or 3xx responses: (\d+)/.exec(stdout);
  const broken = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(stdout);
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  return {
    requests,
    rps: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]),
    p99: milliseconds(/99%\s+([\d.]+)(us|ms|s)/.exec(stdout)),
    failures:
      Number(failed?.[1] ?? 0) +
      (broken ? broken.slice(1).reduce((sum, count) => sum + Number(count), 0) : 0),
  };
}

async function withAutocannon(args, core) {
  const { stdout } = await run(...onCore(core, process.execPath, args), { maxBuffer: 16 * 1024 * 1024 });
  const result = JSON.parse(stdout);
  return {
    requests: result.requests.total,
    rps: result.requests.average,
    p99: result.latency.p99,
    failures: result.non2xx + result.errors + result.timeouts,
  };
}

function milliseconds(match) {
  const scale = { us: 0.001, ms: 1, s: 1000 };
  return match ? Number(match[1]) * scale[match[2]] : Number.NaN;
}
