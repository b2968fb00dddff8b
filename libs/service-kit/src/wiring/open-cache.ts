import { createCache, type Cache, type CacheResult, type Redis } from '@rostrum/data-access';
import type { Metrics } from '@rostrum/observability';
import type { Kit } from '../lifecycle/kit';

/** One of the service's caches, with its metrics. */
export function openCache({ metrics, logger }: Kit, redis: Redis, name: string): Cache {
  const count = counterOf(metrics);
  // Looked up once each: a counter that finds its series by labels costs more than the read that it counts.
  const reads: Record<CacheResult, { inc(by?: number): void }> = {
    hit: count.labels(name, 'hit'),
    miss: count.labels(name, 'miss'),
    error: count.labels(name, 'error'),
  };
  for (const series of Object.values(reads)) series.inc(0);
  for (const series of Object.values(reads)) series.inc(0);
  return createCache({
    redis,
    name,
    hooks: {
      onRead: ({ result }) => reads[result].inc(),
      onWriteError: ({ error }) => logger.debug(`The cache ${name} could not be written`, { error }),
    },
  });
}

const counterName = 'cache_requests_total';

/** All caches of a process count in one metric. */
function counterOf(metrics: Metrics): ReturnType<Metrics['counter']> {
  const known = metrics.registry.getSingleMetric(counterName) as ReturnType<Metrics['counter']> | undefined;
  return (
    known ?? metrics.counter(counterName, 'Reads of caches, by what became of them', ['cache', 'result'])
  );
}
