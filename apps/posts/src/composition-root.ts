import { createOutbox } from '@rostrum/data-access';
import {
  consumeEvents,
  createEventPublisher,
  createKit,
  createService,
  deadLetterActions,
  expireIdempotencyKeys,
  openIdempotency,
  openLimits,
  openEventBus,
  openStores,
  openTokens,
  relayEvents,
  type KitOverrides,
  type Service,
} from '@rostrum/service-kit';
import { BusinessEvents } from './business-events';
import type { PostsConfig, PostsWorkerConfig } from './config';
import { FeedRepository } from './feed/feed.repository';
import { feedRoutes } from './feed/feed.routes';
import { FeedService } from './feed/feed.service';
import { followsRoutes } from './follows/follows.routes';
import { FollowsService } from './follows/follows.service';
import { openPosts } from './posts/open-posts';
import { postsRoutes } from './posts/posts.routes';
import { copyAccounts } from './profiles/copy-accounts';
import { openProfileCache } from './profiles/profile-cache';
import { ProfilesRepository } from './profiles/profiles.repository';
import { profilesRoutes } from './profiles/profiles.routes';
import { ProfilesService } from './profiles/profiles.service';
import { openThreads } from './threads/open-threads';
import { threadsRoutes } from './threads/threads.routes';
import { openVisibility } from './visibility/open-visibility';

/** The service that answers requests. */
export function createPostsService(config: PostsConfig, overrides: KitOverrides = {}): Service {
  const kit = createKit({ service: 'posts', role: 'main' }, config, overrides);
  const { postgres, redis, shared } = openStores(kit, config, { redis: 'degradable' });
  const { database } = postgres;
  const events = new BusinessEvents(kit);
  const publisher = createEventPublisher(createOutbox({ database, schema: kit.service }));
  const visibility = openVisibility(kit, redis.redis, database);
  const posts = openPosts({ database, visibility, publisher, events }, config.cursorSecret);
  const feed = new FeedService(new FeedRepository(database), visibility.pages, config.cursorSecret);
  const profileCache = openProfileCache(kit, redis.redis);
  const profiles = new ProfilesService(new ProfilesRepository(database), profileCache, visibility.relations);
  const threads = openThreads({ database, visibility, profiles }, config.cursorSecret);
  const follows = new FollowsService({ publisher, events, profiles: profileCache });
  const verification = openTokens(kit, config, redis.redis);
  return createService(kit, {
    ...shared,
    dependencies: [...shared.dependencies, verification.dependency],
    resources: [verification.resource, ...shared.resources],
    tokens: verification.tokens,
    work: [verification.work],
    limits: openLimits(kit, redis.redis, config),
    idempotency: openIdempotency(kit, database),
    routes: (binder) => {
      postsRoutes(binder, posts);
      threadsRoutes(binder, threads);
      feedRoutes(binder, feed);
      profilesRoutes(binder, profiles);
      followsRoutes(binder, follows);
    },
  });
}

/** The process that sends this service's events and handles those of others. */
export function createPostsWorker(config: PostsWorkerConfig, overrides: KitOverrides = {}): Service {
  const kit = createKit({ service: 'posts', role: 'worker' }, config, overrides);
  const { postgres, redis, shared } = openStores(kit, config, { redis: 'degradable' });
  const events = openEventBus(kit, config, redis);
  const stores = { database: postgres.database, events };
  return createService(kit, {
    ...shared,
    dependencies: [...shared.dependencies, ...events.dependencies],
    work: [
      relayEvents(kit, stores),
      consumeEvents(kit, stores, { auth: [copyAccounts(openProfileCache(kit, redis.redis))] }),
      expireIdempotencyKeys(kit, stores.database),
    ],
    resources: [events.resource, ...shared.resources],
    actions: deadLetterActions(kit, events, ['auth']),
  });
}
