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
  const evictions = evictionsOf(kit, redis);
  const debug = (what: string) => (error: unknown) =>
    kit.logger.debug(`The cache ${name} ${what}`, { error });
  return createCache({
    ...options,
    redis,
    service: kit.service,
    hooks: {
      onRead: countCacheReads(kit, name),
      onWriteError: debug('could not be written'),
      onRefreshError: debug('serves a value that could not be refreshed'),
      onLocalEviction: () => evictions.inc({ layer: 'local' }),
    },
  });
}

/**
 * Counts reads of a cache in the metric of all of a process, for one that this service has made by itself. Numbers that
 * become the counter's when it is scraped: to count in it costs more than the read that is counted.
 */
export function countCacheReads(
  { metrics }: Pick<Kit, 'metrics'>,
  name: string,
): (result: CacheResult) => void {
  const requests =
    known(metrics, 'cache_requests_total') ??
    metrics.counter('cache_requests_total', 'Reads of caches, by what became of them', ['cache', 'result']);
  const counts = { hit: 0, local: 0, stale: 0, miss: 0, error: 0 };
  for (const result of results) requests.inc({ cache: name, result }, 0);
  const scraped = requests as Counter & { collect?: () => void };
  const collectOthers = scraped.collect?.bind(requests);
  scraped.collect = () => {
    collectOthers?.();
    for (const result of results) {
      requests.inc({ cache: name, result }, counts[result]);
      counts[result] = 0;
    }
  };
  return (result) => {
    counts[result] += 1;
  };
}

function known(metrics: Metrics, name: string): Counter | undefined {
  return metrics.registry.getSingleMetric(name) as Counter | undefined;
}

function evictionsOf({ metrics }: Pick<Kit, 'metrics'>, redis: Redis): Counter {
  return known(metrics, 'cache_evictions_total') ?? countEvictions(metrics, redis);
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
