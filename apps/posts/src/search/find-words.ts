import type { Database } from '@rostrum/data-access';
import { RepeatedWork, type Kit } from '@rostrum/service-kit';
import { WaitingWordsRepository } from './waiting-words.repository';

const everyMs = 500;
const atOnce = 500;
/** In a round: a stop waits for no more than that. */
const mostBatches = 10;

/**
 * Work for a worker: finds the words of posts that were written without. Until then searches read the newest of these
 * through, so that nothing is missed while it keeps up.
 */
export function findWords(
  { logger, metrics }: Pick<Kit, 'logger' | 'metrics'>,
  database: Database,
): RepeatedWork {
  const posts = new WaitingWordsRepository(database);
  const found = metrics.counter('search_posts_indexed_total', 'Posts whose words have been found for search');
  found.inc(0);
  metrics.gauge('search_index_lag_seconds', 'The age of the oldest post whose words are still to be found', {
    collect: async (gauge) => gauge.set(await posts.lagSeconds()),
  });
  return new RepeatedWork({
    name: 'words of posts',
    everyMs,
    firstAfterMs: 0,
    round: async () => {
      for (let batch = 0, count = atOnce; count === atOnce && batch < mostBatches; batch += 1) {
        count = await posts.find(atOnce);
        found.inc(count);
      }
    },
    onError: (error) => logger.warn('The words of posts could not be found for search', { error }),
  });
}
