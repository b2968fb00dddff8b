import { createOutbox, type Database, type Redis } from '@rostrum/data-access';
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
  type Kit,
  type KitOverrides,
  type RouteBinder,
  type Service,
} from '@rostrum/service-kit';
import { blocksRoutes } from './blocks/blocks.routes';
import { BusinessEvents } from './business-events';
import type { PostsConfig, PostsWorkerConfig } from './config';
import { draftsRoutes } from './drafts/drafts.routes';
import { openDrafts, openScheduledPosts } from './drafts/open-drafts';
import { feedRoutes } from './feed/feed.routes';
import { exploreRoutes } from './explore/explore.routes';
import { openExplore, openRanking } from './explore/open-explore';
import { openFanOut } from './feed/open-fan-out';
import { openFeed } from './feed/open-feed';
import { openTimelines } from './feed/open-timelines';
import { tellTimelines } from './feed/tell-timelines';
import { followsRoutes } from './follows/follows.routes';
import { mediaRoutes } from './media/media.routes';
import { openMedia, openMediaRemoval } from './media/open-media';
import { moderationRoutes } from './moderation/moderation.routes';
import { openModeration, watchModeration } from './moderation/open-moderation';
import { openPosts, openPublishing, type PostsParts } from './posts/open-posts';
import { postsRoutes } from './posts/posts.routes';
import { openPeople } from './profiles/open-people';
import { profilesRoutes } from './profiles/profiles.routes';
import { openPurge } from './purge/open-purge';
import { openReactions } from './reactions/open-reactions';
import { reactionsRoutes } from './reactions/reactions.routes';
import { findWords } from './search/find-words';
import { openSearch } from './search/open-search';
import { searchRoutes } from './search/search.routes';
import { openThreads } from './threads/open-threads';
import { tagsRoutes } from './tags/tags.routes';
import { threadsRoutes } from './threads/threads.routes';
import { MentionsRepository } from './text/mentions.repository';
import { openVisibility } from './visibility/open-visibility';
import { visibleRoutes } from './visibility/visible.routes';

/** The service that answers requests. */
export function createPostsService(config: PostsConfig, overrides: KitOverrides = {}): Service {
  const kit = createKit({ service: 'posts', role: 'main' }, config, overrides);
  const { postgres, redis, shared } = openStores(kit, config, { redis: 'degradable' });
  const { database } = postgres;
  const { pictures, routes } = openFeatures(kit, config, { database, redis: redis.redis });
  const verification = openTokens(kit, config, redis.redis);
  return createService(kit, {
    ...shared,
    dependencies: [...shared.dependencies, verification.dependency],
    resources: [verification.resource, ...pictures.resources, ...shared.resources],
    tokens: verification.tokens,
    work: [verification.work],
    limits: openLimits(kit, redis.redis, config),
    idempotency: openIdempotency(kit, database),
    routes,
  });
}

interface Stores {
  database: Database;
  redis: Redis;
}

/** All that people can do, with what each feature shares with others. */
function openFeatures(kit: Kit, config: PostsConfig, { database, redis }: Stores) {
  const events = new BusinessEvents(kit);
  const visibility = openVisibility(kit, redis, database);
  const timelines = openTimelines(kit, { redis, database, visibility });
  const outbox = createOutbox({ database, schema: kit.service });
  const publisher = tellTimelines(createEventPublisher(outbox), timelines);
  const parts = { database, visibility, publisher, events };
  const publishing = openPublishing(parts);
  const posts = openPosts({ ...parts, kit, timelines }, publishing, config.cursorSecret);
  const drafts = openDrafts(parts, publishing, config.cursorSecret);
  const feed = openFeed({ kit, database, visibility, timelines }, config.cursorSecret);
  const peopleParts = { database, redis, visibility, publisher, events };
  const { people, follows, blocks } = openPeople(kit, peopleParts, config.cursorSecret);
  const { profiles } = people;
  const threads = openThreads({ database, visibility, profiles }, config.cursorSecret);
  const reactions = openReactions({ kit, database, visibility, publisher, timelines }, config.cursorSecret);
  const { explore, tags } = openExplore({ database, visibility }, config.cursorSecret);
  const moderation = openModeration({ kit, database, visibility, publisher, posts }, config.cursorSecret);
  const pictures = openMedia(kit, parts, config.mediaStore);
  const search = openSearch({ kit, database, visibility }, config.cursorSecret);
  const routes = (binder: RouteBinder): void => {
    postsRoutes(binder, posts);
    draftsRoutes(binder, drafts);
    threadsRoutes(binder, threads);
    reactionsRoutes(binder, reactions);
    tagsRoutes(binder, tags);
    searchRoutes(binder, { search, tags });
    exploreRoutes(binder, explore);
    feedRoutes(binder, feed);
    profilesRoutes(binder, people);
    followsRoutes(binder, follows);
    blocksRoutes(binder, blocks);
    moderationRoutes(binder, moderation);
    mediaRoutes(binder, pictures.media);
    visibleRoutes(binder, {
      ...visibility,
      named: (usernames, options) => new MentionsRepository(database).named(usernames, options),
    });
  };
  return { pictures, routes };
}

/** The process that sends this service's events and handles those of others. */
export function createPostsWorker(config: PostsWorkerConfig, overrides: KitOverrides = {}): Service {
  const kit = createKit({ service: 'posts', role: 'worker' }, config, overrides);
  const { postgres, redis, shared } = openStores(kit, config, { redis: 'degradable' });
  const { database } = postgres;
  const events = openEventBus(kit, config, redis);
  const stores = { database, events };
  const parts = {
    database,
    visibility: openVisibility(kit, redis.redis, database),
    publisher: createEventPublisher(createOutbox({ database, schema: kit.service })),
    events: new BusinessEvents(kit),
  };
  watchModeration(kit, database);
  const { fanOut, purge, pictures } = openWork(kit, config, { ...parts, redis: redis.redis });
  return createService(kit, {
    ...shared,
    dependencies: [...shared.dependencies, ...events.dependencies],
    work: [
      relayEvents(kit, stores),
      consumeEvents(kit, stores, {
        auth: purge.subscriptions,
        posts: fanOut.subscriptions,
      }),
      fanOut.work,
      purge.work,
      ...pictures.work,
      expireIdempotencyKeys(kit, stores.database),
      findWords(kit, database),
      openRanking(kit, database, config.exploreRankEveryMs),
      openScheduledPosts(kit, parts, openPublishing(parts)),
    ],
    resources: [events.resource, ...pictures.resources, ...shared.resources],
    actions: deadLetterActions(kit, events, ['auth', 'posts']),
  });
}

/** What is done in the background for feeds, accounts, deleted posts and pictures. */
function openWork(kit: Kit, config: PostsWorkerConfig, parts: PostsParts & Stores) {
  const { database, redis, visibility } = parts;
  const timelines = openTimelines(kit, { redis, database, visibility });
  const fanOut = openFanOut({
    kit,
    database,
    timelines,
    changes: visibility.changes,
    pullFrom: config.feedPullFromFollowers,
    batch: config.feedFanOutBatch,
  });
  const purge = openPurge({
    ...parts,
    kit,
    timelines,
    publisher: tellTimelines(parts.publisher, timelines),
    keptSeconds: config.deletedPostsKeptSeconds,
    batch: config.purgeBatch,
  });
  const pictures = openMediaRemoval(kit, database, {
    store: config.mediaStore,
    unusedKeptSeconds: config.mediaUnusedKeptSeconds,
    everyMs: config.mediaRemoveEveryMs,
  });
  return { fanOut, purge, pictures };
}
