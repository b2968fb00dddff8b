import type { Database } from '@rostrum/data-access';
import { RepeatedWork, type Kit } from '@rostrum/service-kit';
import { TagsRepository } from '../tags/tags.repository';
import { TagsService } from '../tags/tags.service';
import type { Visibility } from '../visibility/open-visibility';
import { ExploreRankings } from './explore-rankings';
import { ExploreScoresRepository } from './explore-scores.repository';
import { ExploreService } from './explore.service';
import { RankPosts } from './rank-posts';
import { RankingsRepository } from './rankings.repository';

interface ExploreParts {
  database: Database;
  visibility: Pick<Visibility, 'pages'>;
}

export function openExplore(
  { database, visibility: { pages } }: ExploreParts,
  cursorSecret: string,
): { explore: ExploreService; tags: TagsService } {
  const rankings = new ExploreRankings(new RankingsRepository(database));
  return {
    explore: new ExploreService(rankings, pages, cursorSecret),
    tags: new TagsService({ tags: new TagsRepository(database), rankings, pages, cursorSecret }),
  };
}

/** Work for the worker: the order in which posts are explored, and the tags that many use. */
export function openRanking({ logger, metrics }: Kit, database: Database, everyMs: number): RepeatedWork {
  const made = metrics.counter('explore_rankings_total', 'Orders of posts that were made to be explored');
  made.inc(0);
  const scores = new ExploreScoresRepository(database);
  const rankings = new RankingsRepository(database);
  const ranking = new RankPosts({ scores, rankings, everyMs });
  return new RepeatedWork({
    name: 'explore ranking',
    everyMs,
    firstAfterMs: 0,
    round: async () => {
      if (await ranking.round()) made.inc();
    },
    onError: (error) => logger.warn('Posts could not be ranked', { error }),
  });
}
