import { homeFeedRoute } from '@rostrum/contracts';
import type { RouteBinder } from '@rostrum/service-kit';
import { nextLink } from '../visibility/page-reply';
import type { FeedService } from './feed.service';

export function feedRoutes(binder: RouteBinder, feed: FeedService): void {
  binder.bind(
    homeFeedRoute,
    async (call) => {
      const { cursor, limit } = call.query;
      const { body, bytes, nextCursor } = await feed.home(call.user.userId, {
        cursor,
        limit,
        signal: () => call.signal,
      });
      const headers = nextLink({ path: homeFeedRoute.path, limit, nextCursor });
      return { status: 200, raw: body, bytes, headers };
    },
    { startsWithRead: true },
  );
}
