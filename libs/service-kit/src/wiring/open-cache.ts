import {
  createCache,
  watchEvictions,
  type Cache,
  type CacheOptions,
  type CacheResult,
  type Redis,
} from '@rostrum/data-access';
import type { Metrics } from '@rostrum/observability';
import type { Kit } from '../lifecycle/kit';

export type OpenCacheOptions = Pick<
  CacheOptions,
  'name' | 'policy' | 'version' | 'local' | 'loads' | 'onChange'
>;

type Counter = ReturnType<Metrics['counter']>;

const results: CacheResult[] = ['hit', 'local', 'stale', 'miss', 'error'];

/** One of the service's caches, with its metrics. */
export function openCache(kit: Kit, redis: Redis, options: OpenCacheOptions): Cache {
  const { name } = options;
  const { requests, evictions } = countersOf(kit, redis);
  // Looked up once each: a counter that finds its series by labels costs more than the read that it counts.
  const reads = Object.fromEntries(
    results.map((result) => [result, requests.labels(name, result)]),
  ) as unknown as Record<CacheResult, { inc(by?: number): void }>;
  for (const result of results) reads[result].inc(0);
  const debug = (what: string) => (error: unknown) =>
    kit.logger.debug(`The cache ${name} ${what}`, { error });
  return createCache({
    ...options,
    redis,
    service: kit.service,
    hooks: {
      onRead: (result) => reads[result].inc(),
      onWriteError: debug('could not be written'),
      onRefreshError: debug('serves a value that could not be refreshed'),
      onLocalEviction: () => evictions.inc({ layer: 'local' }),
    },
  });
}

/** All caches of a process count in the same metrics. */
function countersOf({ metrics }: Kit, redis: Redis): { requests: Counter; evictions: Counter } {
  const known = (name: string) => metrics.registry.getSingleMetric(name) as Counter | undefined;
  return {
    requests:
      known('cache_requests_total') ??
      metrics.counter('cache_requests_total', 'Reads of caches, by what became of them', ['cache', 'result']),
    evictions: known('cache_evictions_total') ?? countEvictions(metrics, redis),
  };
}

/** What Redis throws out is asked of it when a scrape is under way. Each process says the same: look at the highest. */
function countEvictions(metrics: Metrics, redis: Redis): Counter {
  const counter = metrics.counter('cache_evictions_total', 'Values thrown out to make room for others', [
    'layer',
  ]);
  const evictions = watchEvictions(redis);
  const collect = async () => {
    counter.inc({ layer: 'redis' }, await evictions().catch(() => 0));
  };
  for (const layer of ['redis', 'local']) counter.inc({ layer }, 0);
  return Object.assign(counter, { collect });
}
