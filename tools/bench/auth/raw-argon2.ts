import { randomBytes } from 'node:crypto';
import { hash } from '@node-rs/argon2';

/** How many passwords the library can hash on this core and nothing else: the ceiling of signing in. */
const parameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const secret = randomBytes(32);
const atOnce = 2;

async function main(): Promise<void> {
  const seconds = Number(process.argv[2] ?? 3);
  await run(1);
  const before = process.cpuUsage();
  const count = await run(seconds);
  const { user, system } = process.cpuUsage(before);
  const result = { requests: count, rps: count / seconds, cpuMicros: (user + system) / count, p99: 0 };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

async function run(seconds: number): Promise<number> {
  const end = performance.now() + seconds * 1000;
  let count = 0;
  const work = async () => {
    while (performance.now() < end) {
      await hash('correct horse battery', { ...parameters, secret, salt: randomBytes(16) });
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return count;
}

void main();
