import { exploreRoute } from '@rostrum/contracts';
import type { RouteBinder } from '@rostrum/service-kit';
import { pageReply } from '../visibility/page-reply';
import type { ExploreService } from './explore.service';

export function exploreRoutes(binder: RouteBinder, explore: Pick<ExploreService, 'explore'>): void {
  binder.bind(
    exploreRoute,
    async (call) => {
      const { cursor, limit } = call.query;
      const request = { cursor, limit, signal: () => call.signal };
      const { posts, nextCursor } = await explore.explore(call.user.userId, request);
      return pageReply({ path: exploreRoute.path, limit, items: posts, nextCursor });
    },
    { startsWithRead: true },
  );
}
