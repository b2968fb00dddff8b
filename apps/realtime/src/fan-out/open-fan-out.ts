import type { Redis } from '@rostrum/data-access';
import { RepeatedWork, type BackgroundWork, type Kit, type Subscriptions } from '@rostrum/service-kit';
import type { LivePublisher } from '../live/live-publisher';
import { FeedFanOut } from './feed-fan-out';
import { FeedReaders } from './feed-readers';
import { followPeople, forgetFollows } from './people-news';
import { tellOfPosts } from './posts-news';
import { ReactionCounts } from './reaction-counts';

export interface FanOutParts {
  redis: Redis;
  publisher: LivePublisher;
}

export interface OpenFanOut {
  subscriptions: Required<Pick<Subscriptions, 'posts' | 'auth'>>;
  work: BackgroundWork[];
}

const secondMs = 1000;

/** What the worker tells on the channels of posts and feeds. */
export function openFanOut(
  { logger }: Pick<Kit, 'logger'>,
  { liveLogSeconds: windowSeconds }: { liveLogSeconds: number },
  { redis, publisher }: FanOutParts,
): OpenFanOut {
  const readers = new FeedReaders({ redis, windowSeconds });
  const feeds = new FeedFanOut({ publisher, readers });
  const reactions = new ReactionCounts(publisher);
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
    ],
  };
}
