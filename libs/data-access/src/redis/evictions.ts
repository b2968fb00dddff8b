import type { Redis as IoRedis } from 'ioredis';
import { addressOf, asCluster } from './cluster-client';
import { unguarded } from './guarded-commands';
import type { Redis } from './redis';

/**
 * Says how many values Redis has thrown out to make room since it was asked before; the first time, since the server
 * was started. Rejects when it does not answer.
 */
export function watchEvictions(redis: Redis): () => Promise<number> {
  const seen = new Map<string, number>();
  return async () => {
    const nodes = asCluster(redis)?.nodes('master') ?? [redis];
    const counts = await Promise.all(nodes.map((node) => countOf(node)));
    return counts.reduce((sum, count, index) => {
      const address = addressOf(nodes[index] ?? redis);
      const before = seen.get(address) ?? 0;
      seen.set(address, count);
      // A server that was started anew counts from nothing.
      return sum + (count >= before ? count - before : count);
    }, 0);
  };
}

async function countOf(node: IoRedis): Promise<number> {
  const info = await unguarded(node, () => node.info('stats'));
  return Number(/^evicted_keys:(\d+)/m.exec(info)?.[1] ?? 0);
}
