import type { CachePolicy, Database, Redis } from '@rostrum/data-access';
import { openCache, type Kit } from '@rostrum/service-kit';
import type { Visibility } from '../visibility/open-visibility';
import { FeedRepository } from './feed.repository';
import { PulledAuthors } from './pulled-authors';
import { Timelines } from './timelines';

/** Timelines live long: what changes them is told to them. That of somebody who reads nothing goes after a day or two. */
const policy: CachePolicy = {
  ttlSeconds: 86_400,
  absentSeconds: 0,
  staleWhileRevalidateSeconds: 3_600,
  staleIfErrorSeconds: 86_400,
};

/** Raised when what is kept of timelines changes its shape. */
const timelineShape = 3;

interface TimelineParts {
  redis: Redis;
  database: Database;
  visibility: Pick<Visibility, 'changes'>;
}

/**
 * What reads feeds, and what changes whom people follow, needs. Nothing is read from a replica: it stands for everybody.
 */
export function openTimelines(
  kit: Kit,
  { redis, database, visibility: { changes } }: TimelineParts,
): Timelines {
  return new Timelines({
    feed: new FeedRepository(database),
    home: openCache(kit, redis, { name: 'timeline', policy, version: timelineShape }),
    written: openCache(kit, redis, { name: 'written', policy, version: timelineShape }),
    pulled: new PulledAuthors(database, changes),
    changes,
  });
}
