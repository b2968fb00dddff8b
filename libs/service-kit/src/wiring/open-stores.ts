import type { Config, databaseSettings, redisSettings } from '@rostrum/config';
import { ReadAfterWrite, redisKeys, redisMarkStore } from '@rostrum/data-access';
import type { Criticality } from '../health/health-registry';
import type { Kit } from '../lifecycle/kit';
import type { ServiceParts } from '../lifecycle/service';
import { openDatabase, type OpenDatabase } from './open-database';
import { openRedis, type OpenRedis } from './open-redis';

export interface OpenStores {
  postgres: OpenDatabase;
  redis: OpenRedis;
  /** Where reads go that may be answered by a replica. */
  reads: ReadAfterWrite;
  /** What `createService` has to know of both. */
  shared: Required<Pick<ServiceParts, 'dependencies' | 'resources' | 'selfCheck'>>;
}

/** PostgreSQL, which every service needs, and Redis, which some can do without for a while. */
export function openStores(
  kit: Kit,
  config: Config<typeof databaseSettings & typeof redisSettings>,
  { redis: criticality }: { redis: Criticality },
): OpenStores {
  const postgres = openDatabase(kit, config);
  const redis = openRedis(kit, config, criticality);
  const keys = redisKeys(kit.service);
  const reads = new ReadAfterWrite({
    database: postgres.database,
    store: redisMarkStore(redis.redis, (subject) => keys.key('wrote', subject)),
    pinMs: config.databaseReadOwnWritesMs,
    onStoreError: (error) => kit.logger.debug('It is not known who has written', { error }),
  });
  return {
    postgres,
    redis,
    reads,
    shared: {
      dependencies: [postgres.dependency, redis.dependency],
      resources: [postgres.resource, redis.resource],
      selfCheck: { query: () => postgres.database.ping(), ping: () => redis.redis.ping() },
    },
  };
}
