import { homeFeedRoute } from '@rostrum/contracts';
import type { RouteBinder } from '@rostrum/service-kit';
import { pageReply } from '../visibility/page-reply';
import type { FeedService } from './feed.service';

export function feedRoutes(binder: RouteBinder, feed: FeedService): void {
  binder.bind(
    homeFeedRoute,
    async (call) => {
      const { cursor, limit } = call.query;
      const { posts, nextCursor } = await feed.home(call.user.userId, {
        cursor,
        limit,
        signal: () => call.signal,
      });
      return pageReply({ path: homeFeedRoute.path, limit, items: posts, nextCursor });
    },
    { startsWithRead: true },
  );
}
