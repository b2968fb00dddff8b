import { createTestRedis, startRedisCluster } from '@rostrum/testing';
import type { RedisConnection } from '../src';

export interface RedisPlace {
  connection: RedisConnection;
  stop: () => Promise<void>;
}

/** Where Redis may be, for what has to be the same in both. */
export const redisPlaces: [name: string, open: () => Promise<RedisPlace>][] = [
  [
    'a single Redis',
    async () => {
      const own = await createTestRedis();
      return { connection: { url: own.url }, stop: () => own.close() };
    },
  ],
  [
    'a cluster',
    async () => {
      const own = await startRedisCluster();
      return { connection: { clusterNodes: own.members }, stop: () => own.stop() };
    },
  ],
];
