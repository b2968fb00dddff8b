import type { Database } from '@rostrum/data-access';
import { RepeatedWork, type Kit } from '@rostrum/service-kit';
import { MediaRemovalsRepository } from './media-removals.repository';
import type { ObjectStore } from './object-store';

export interface RemovalParts {
  database: Database;
  store: Pick<ObjectStore, 'remove'>;
}

export interface RemovalRules {
  /** How long a picture is kept that nobody uses. */
  unusedKeptSeconds: number;
  everyMs: number;
}

const atOnce = 200;
/** After the store has failed at one. */
const againAfterSeconds = 60;
/** A store that has failed so often in a round is left alone until the next. */
const mostFailures = 3;

/**
 * Removes pictures that nobody uses, and from the store what is noted to be removed. Both go on where a worker has died:
 * an object is removed as often as it takes until that is noted, and removing it twice does no harm.
 */
export function removeMedia(
  { logger, metrics }: Kit,
  { database, store }: RemovalParts,
  { unusedKeptSeconds, everyMs }: RemovalRules,
): RepeatedWork {
  const unused = metrics.counter('media_unused_total', 'Pictures that nobody has used, removed');
  const removed = metrics.counter('media_objects_removed_total', 'Objects removed from the store');
  const removals = new MediaRemovalsRepository(database);
  for (const counter of [unused, removed]) counter.inc(0);
  metrics.gauge('media_removals_waiting', 'Objects that are to be removed from the store by now', {
    collect: async (gauge) => gauge.set(await removals.waiting()),
  });

  const isRemoved = async (key: string) => {
    try {
      await store.remove(key);
      await removals.done(key);
      removed.inc();
      return true;
    } catch (error) {
      logger.warn('An object could not be removed from the store', { object_key: key, error });
      await removals.putOff(key, againAfterSeconds);
      return false;
    }
  };
  return new RepeatedWork({
    name: 'media removal',
    everyMs,
    firstAfterMs: 0,
    round: async () => {
      // A batch of each per round: a stop waits for no more than that.
      unused.inc(await removals.removeUnused(unusedKeptSeconds, atOnce));
      let failures = 0;
      for (const key of await removals.due(atOnce)) {
        if (!(await isRemoved(key))) failures += 1;
        if (failures === mostFailures) break;
      }
    },
    onError: (error) => logger.warn('Pictures cannot be removed for now', { error }),
  });
}
