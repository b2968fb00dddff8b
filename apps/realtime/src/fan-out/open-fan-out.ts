import type { Database, Redis } from '@rostrum/data-access';
import {
  RepeatedWork,
  type BackgroundWork,
  type Kit,
  type Resource,
  type Subscriptions,
} from '@rostrum/service-kit';
import type { LivePublisher } from '../live/live-publisher';
import { openPostsClient } from '../live/open-posts-client';
import { FeedFanOut } from './feed-fan-out';
import { FeedReaders } from './feed-readers';
import { FollowsCopy } from './follows-copy';
import { followPeople, forgetFollows } from './people-news';
import { tellOfPosts } from './posts-news';
import { ReactionCounts } from './reaction-counts';

export interface FanOutParts {
  redis: Redis;
  database: Database;
  publisher: LivePublisher;
}

export interface OpenFanOut {
  subscriptions: Required<Pick<Subscriptions, 'posts' | 'auth'>>;
  work: BackgroundWork[];
  resource: Resource;
}

const secondMs = 1000;
const copyEveryMs = 10_000;

/** What the worker tells on the channels of posts and feeds. */
export function openFanOut(
  kit: Kit,
  config: { liveLogSeconds: number; postsUrl: string },
  { redis, database, publisher }: FanOutParts,
): OpenFanOut {
  const { logger } = kit;
  const readers = new FeedReaders({ redis, windowSeconds: config.liveLogSeconds });
  const feeds = new FeedFanOut({ publisher, readers });
  const reactions = new ReactionCounts(publisher);
  const { posts, resource } = openPostsClient(kit, config, 'follows from before are copied later');
  const copy = new FollowsCopy({
    database,
    posts,
    onDone: () => logger.info('The follows that were there before have been copied'),
  });
  return {
    subscriptions: {
      posts: [...tellOfPosts({ publisher, feeds, reactions }), ...followPeople(publisher)],
      auth: [forgetFollows()],
    },
    work: [
      new RepeatedWork({
        name: 'reaction counts',
        everyMs: secondMs,
        round: () => reactions.round(),
        onError: (error) => logger.debug('Reactions could not be told', { error }),
      }),
      new RepeatedWork({
        name: 'copy of follows',
        everyMs: copyEveryMs,
        firstAfterMs: 0,
        round: () => copy.round(),
        onError: (error) => logger.warn('Follows from before cannot be copied yet', { error }),
      }),
    ],
    resource,
  };
}
