import { cachePolicies, type Cache, type CachePolicy, type Database, type Redis } from '@rostrum/data-access';
import { openCache, type Kit } from '@rostrum/service-kit';
import type { Visibility } from '../visibility/open-visibility';
import { FeedRepository } from './feed.repository';
import { Timelines } from './timelines';

/** Timelines live long: what changes them is told to them. That of somebody who reads nothing goes after a day or two. */
const policy: CachePolicy = {
  ttlSeconds: 86_400,
  absentSeconds: 0,
  staleWhileRevalidateSeconds: 3_600,
  staleIfErrorSeconds: 86_400,
};

/** No longer than the milestone says: a page holds as long as its seal, and as the log of changes says. */
const pagePolicy: CachePolicy = {
  ...cachePolicies.feed,
  staleWhileRevalidateSeconds: 0,
  staleIfErrorSeconds: 0,
};

/** Raised when what is kept of timelines changes its shape. */
const timelineShape = 2;

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
): { timelines: Timelines; pageCache: Cache } {
  const pageCache = openCache(kit, redis, { name: 'feed', policy: pagePolicy, version: 2 });
  const timelines = new Timelines({
    feed: new FeedRepository(database),
    home: openCache(kit, redis, { name: 'timeline', policy, version: timelineShape }),
    written: openCache(kit, redis, { name: 'written', policy, version: timelineShape }),
    pages: pageCache,
    changes,
  });
  return { timelines, pageCache };
}
