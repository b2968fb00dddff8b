/**
 * One variant at work in a process of its own: so many callers at a time, each with the next question as soon as it has
 * the answer to the last. Prints one line of JSON.
 */
import { prepareVariant, type Ask } from './variants';

const warmUpSeconds = 2;
const oneOf = 8;

async function main(): Promise<void> {
  const [name = '', callers = '50', seconds = '3'] = process.argv.slice(2);
  const { ask, close } = await prepareVariant(name, {
    postgresUrl: setting('BENCH_POSTGRES_URL'),
    redisUrl: setting('BENCH_REDIS_URL'),
  });
  const warmUp = await run(ask, Number(callers), warmUpSeconds);
  const before = process.cpuUsage();
  const startedAt = performance.now();
  const { count, latencies } = await run(ask, Number(callers), Number(seconds));
  const elapsed = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(before);
  latencies.sort((a, b) => a - b);
  const p99 = latencies[Math.floor(latencies.length * 0.99)] ?? Number.NaN;
  const result = {
    requests: count,
    total: warmUp.count + count,
    rps: count / elapsed,
    cpuMicros: (user + system) / count,
    p99,
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
  await close();
}

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is missing: start this by npm run bench:data`);
  return value;
}

async function run(ask: Ask, callers: number, seconds: number) {
  const end = performance.now() + seconds * 1000;
  const latencies: number[] = [];
  let count = 0;
  const call = async () => {
    for (;;) {
      const askedAt = performance.now();
      if (askedAt >= end) return;
      await ask(count);
      count += 1;
      if (count % oneOf === 0) latencies.push(performance.now() - askedAt);
    }
  };
  await Promise.all(Array.from({ length: callers }, call));
  return { count, latencies };
}

void main();
