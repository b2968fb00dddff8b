import { homeFeedRoute } from '@rostrum/contracts';
import { ProvisionalReply, type RouteBinder } from '@rostrum/service-kit';
import type { FeedService } from './feed.service';

export function feedRoutes(binder: RouteBinder, feed: FeedService): void {
  binder.bind(
    homeFeedRoute,
    (call) => {
      const { userId } = call.user;
      const { cursor, limit } = call.query;
      const request = { cursor, limit, signal: () => call.signal };
      const known = feed.remembered(userId, request);
      if (!known) return feed.home(userId, request);
      return new ProvisionalReply(known.page, known, () => feed.make(userId, request, known.position));
    },
    { startsWithRead: true },
  );
}
