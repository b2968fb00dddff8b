import type { Database } from '@rostrum/data-access';
import type { Kit } from '@rostrum/service-kit';
import type { Visibility } from '../visibility/open-visibility';
import { PeoplePages } from '../visibility/people-pages';
import { PeopleFoundRepository } from './people-found.repository';
import { PostgresSearchEngine } from './postgres-search-engine';
import { SearchService } from './search.service';
import { TagReader } from './tag-reader';

interface SearchParts {
  kit: Kit;
  database: Database;
  visibility: Visibility;
}

/**
 * What is asked for may be anything, and what that costs is known only when it is done: searches have little time, and
 * never more than these of the pool's connections. A search that takes too long is no sign that others would.
 */
const bounds = {
  timeoutMs: 2_000,
  breaker: false,
  bulkhead: { limit: 4, queue: 32 },
} as const;

export function openSearch({ kit, database, visibility }: SearchParts, cursorSecret: string): SearchService {
  const { reader, pages: posts, peopleReader } = visibility;
  const policy = kit.breakers.openPolicy({ name: 'search', ...bounds });
  return new SearchService({
    engine: new PostgresSearchEngine(database, policy),
    posts,
    people: new PeoplePages(peopleReader),
    profiles: new PeopleFoundRepository(database),
    tags: new TagReader(reader),
    cursorSecret,
  });
}
