import type { Database } from '@rostrum/data-access';
import type { Visibility } from '../visibility/open-visibility';
import { FeedRepository } from './feed.repository';
import { FeedService } from './feed.service';
import type { Timelines } from './timelines';

interface FeedParts {
  database: Database;
  visibility: Pick<Visibility, 'pages'>;
  timelines: Timelines;
}

export function openFeed({ database, visibility, timelines }: FeedParts, cursorSecret: string): FeedService {
  return new FeedService(new FeedRepository(database), timelines, visibility.pages, cursorSecret);
}
