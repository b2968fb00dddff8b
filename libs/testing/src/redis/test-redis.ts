import { Redis } from 'ioredis';
import { testSetting } from '../environment';

export interface TestRedis {
  /** Names a database of its own. */
  url: string;
  close(): Promise<void>;
}

const claimSeconds = 900;

/**
 * An empty database of the test suite's own on the shared server. Channels (`PUBLISH`, `SUBSCRIBE`) know no databases:
 * a suite that needs those to itself starts a server of its own with `startRedisServer`.
 */
export async function createTestRedis(): Promise<TestRedis> {
  const url = new URL(testSetting('TEST_REDIS_URL'));
  const registry = new Redis(url.href);
  try {
    const number = await claimDatabase(registry);
    url.pathname = `/${number}`;
    return { url: url.href, close: () => release(registry, number) };
  } catch (error) {
    registry.disconnect();
    throw error;
  }
}

async function claimDatabase(registry: Redis): Promise<number> {
  const [, count] = (await registry.config('GET', 'databases')) as [string, string];
  for (let number = 1; number < Number(count); number += 1) {
    const claimed = await registry.set(claimKey(number), process.pid, 'EX', claimSeconds, 'NX');
    if (!claimed) continue;
    await empty(registry, number);
    return number;
  }
  throw new Error('All databases of the test Redis are in use');
}

async function release(registry: Redis, number: number): Promise<void> {
  await empty(registry, number);
  await registry.del(claimKey(number));
  await registry.quit();
}

async function empty(registry: Redis, number: number): Promise<void> {
  await registry.multi().select(number).flushdb().select(0).exec();
}

function claimKey(number: number): string {
  return `rostrum:test-database:${number}`;
}

/** For a test's own client: a service gives Redis up after a quarter of a second, which a busy machine may take. */
export const patientClient = { commandTimeoutMs: 10_000 };
