import type { Cache, Database } from '@rostrum/data-access';
import type { Kit } from '@rostrum/service-kit';
import type { Visibility } from '../visibility/open-visibility';
import { FeedPages } from './feed-pages';
import { FeedRepository, StandingReposts } from './feed.repository';
import { FeedService } from './feed.service';
import { Reposters } from './reposters';
import type { Timelines } from './timelines';

interface FeedParts {
  kit: Pick<Kit, 'logger'>;
  database: Database;
  visibility: Pick<Visibility, 'pages' | 'people' | 'peopleReader' | 'changes'>;
  timelines: Timelines;
  pageCache: Cache;
}

export function openFeed(parts: FeedParts, cursorSecret: string): FeedService {
  const { kit, database, visibility, timelines, pageCache } = parts;
  const { pages, people, peopleReader, changes } = visibility;
  const noteError = (error: unknown) => kit.logger.debug('It is not known what has changed', { error });
  const firstPages = new FeedPages(pageCache, changes, noteError);
  return new FeedService({
    feed: new FeedRepository(database),
    reposters: new Reposters(new StandingReposts(database), peopleReader),
    ...{ timelines, pages, firstPages, people, cursorSecret },
  });
}
