import type { Database, Redis } from '@rostrum/data-access';
import type { BackgroundWork, EventPublisher, Kit, Subscription } from '@rostrum/service-kit';
import type { BusinessEvents } from '../business-events';
import { FollowChanges } from '../follows/follow-changes';
import { openProfileCache } from '../profiles/profile-cache';
import type { Visibility } from '../visibility/open-visibility';
import { AccountJobsRepository } from './account-jobs.repository';
import { AccountNews } from './account-news';
import { AccountWork } from './account-work';
import { Erasure, type ErasureParts } from './erasure';
import { followAccounts } from './follow-accounts';
import { PostPurge, type PurgeRules } from './post-purge';
import { PostRemoval } from './post-removal';
import { PurgeWork } from './purge-work';

export interface PurgeParts extends PurgeRules {
  kit: Kit;
  database: Database;
  redis: Redis;
  visibility: Visibility;
  publisher: EventPublisher;
  events: BusinessEvents;
  timelines: ErasureParts['timelines'];
}

/** The worker's part in accounts: what it does about auth's events, and the work that comes of it. */
export function openPurge({ kit, database, redis, visibility, ...parts }: PurgeParts): {
  work: BackgroundWork;
  subscriptions: readonly Subscription[];
} {
  const { publisher, events, timelines, batch } = parts;
  const { people, postCache: posts, relations } = visibility;
  const profiles = openProfileCache(kit, redis);
  const removal = new PostRemoval({ database, cache: posts, publisher });
  const erasure = new Erasure({ database, removal, profiles, posts, relations, timelines });
  const follows = new FollowChanges(publisher, events);
  const news = new AccountNews({ database, profiles, people, publisher });
  const work = new PurgeWork(kit, {
    jobs: new AccountJobsRepository(database),
    accounts: new AccountWork({ database, profiles, news, follows, erasure }, batch),
    posts: new PostPurge(database, removal, parts),
  });
  return { work, subscriptions: followAccounts({ profiles, people, wake: work.wake }) };
}
