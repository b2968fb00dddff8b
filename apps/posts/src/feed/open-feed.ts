import type { Database } from '@rostrum/data-access';
import { countCacheReads, type Kit } from '@rostrum/service-kit';
import type { Visibility } from '../visibility/open-visibility';
import { FeedPages } from './feed-pages';
import { FeedRepository, StandingReposts } from './feed.repository';
import { FeedService } from './feed.service';
import { Reposters } from './reposters';
import type { Timelines } from './timelines';

interface FeedParts {
  kit: Pick<Kit, 'metrics'>;
  database: Database;
  visibility: Pick<Visibility, 'pages' | 'people' | 'peopleReader' | 'changes'>;
  timelines: Timelines;
}

export function openFeed(parts: FeedParts, cursorSecret: string): FeedService {
  const { kit, database, visibility, timelines } = parts;
  const { pages, people, peopleReader, changes } = visibility;
  const firstPages = new FeedPages(changes, countCacheReads(kit, 'feed'));
  return new FeedService({
    feed: new FeedRepository(database),
    reposters: new Reposters(new StandingReposts(database), peopleReader),
    ...{ timelines, pages, firstPages, changes, people, cursorSecret },
  });
}
