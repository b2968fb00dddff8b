import { context, trace } from '@opentelemetry/api';
import type { Config, redisSettings } from '@rostrum/config';
import { closeRedis, createRedis, pingRedis, type Redis } from '@rostrum/data-access';
import type { Criticality, Dependency } from '../health/health-registry';
import type { Kit } from '../lifecycle/kit';
import type { Resource } from '../lifecycle/service';

export interface OpenRedis {
  redis: Redis;
  dependency: Dependency;
  resource: Resource;
}

const whenOpen: Record<Criticality, string> = {
  critical: 'not ready; what needs it is answered 503',
  degradable: 'caches are left out, limits are kept by each process',
};

/** The service's Redis, with its place in readiness and its end. */
export function openRedis(
  kit: Kit,
  config: Config<typeof redisSettings>,
  criticality: Criticality,
): OpenRedis {
  let closing = false;
  const gate = kit.breakers.openGate('redis', () => pingRedis(redis), whenOpen[criticality]);
  const redis: Redis = createRedis({
    ...config.redis,
    commandTimeoutMs: config.redisCommandTimeoutMs,
    connectionName: `rostrum-${kit.service}-${kit.role}`,
    isTraced: () => trace.getSpan(context.active()) !== undefined,
    guard: gate,
    hooks: {
      onStateChange: (state) => {
        if (state === 'ready') gate.probeNow();
        if (!closing) kit.logger[state === 'ready' ? 'info' : 'warn'](`The connection to Redis is ${state}`);
      },
    },
  });
  return {
    redis,
    dependency: { name: 'redis', criticality, check: () => gate.check(), breaker: gate },
    resource: {
      name: 'redis',
      close: () => {
        closing = true;
        gate.dispose();
        return closeRedis(redis);
      },
    },
  };
}
