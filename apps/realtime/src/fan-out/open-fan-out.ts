import type { Database, Redis } from '@rostrum/data-access';
import { RepeatedWork, type BackgroundWork, type Kit, type Subscriptions } from '@rostrum/service-kit';
import type { LivePublisher } from '../live/live-publisher';
import { FeedFanOut } from './feed-fan-out';
import { FeedReaders } from './feed-readers';
import { FollowsCopy, type FollowsCopyParts } from './follows-copy';
import { followPeople, forgetFollows } from './people-news';
import { tellOfPosts } from './posts-news';
import { ReactionCounts } from './reaction-counts';

export interface FanOutParts {
  redis: Redis;
  database: Database;
  publisher: LivePublisher;
  posts: FollowsCopyParts['posts'];
}

export interface OpenFanOut {
  subscriptions: Required<Pick<Subscriptions, 'posts' | 'auth'>>;
  work: BackgroundWork[];
}

const secondMs = 1000;
const copyEveryMs = 10_000;

/** What the worker tells on the channels of posts and feeds. */
export function openFanOut(
  { logger }: Pick<Kit, 'logger'>,
  { liveLogSeconds: windowSeconds }: { liveLogSeconds: number },
  { redis, database, publisher, posts }: FanOutParts,
): OpenFanOut {
  const readers = new FeedReaders({ redis, windowSeconds });
  const feeds = new FeedFanOut({ publisher, readers });
  const reactions = new ReactionCounts(publisher);
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
  };
}
