import type { CachePolicy, Database, Redis } from '@rostrum/data-access';
import { openCache, type Kit } from '@rostrum/service-kit';
import { FeedRepository } from './feed.repository';
import { Timelines } from './timelines';

/** Timelines live long: what changes them is told to them. That of somebody who reads nothing goes after a day or two. */
const policy: CachePolicy = {
  ttlSeconds: 86_400,
  absentSeconds: 0,
  staleWhileRevalidateSeconds: 3_600,
  staleIfErrorSeconds: 86_400,
};

/** What reads feeds, and what changes whom people follow, needs. Nothing is read from a replica: it stands for everybody. */
export function openTimelines(kit: Kit, redis: Redis, database: Database): Timelines {
  return new Timelines(
    new FeedRepository(database),
    openCache(kit, redis, { name: 'timeline', policy }),
    openCache(kit, redis, { name: 'written', policy }),
  );
}
