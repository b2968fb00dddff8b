import { homeFeedRoute } from '@rostrum/contracts';
import type { RouteBinder } from '@rostrum/service-kit';
import { toPostBody } from '../posts/post';
import type { FeedService } from './feed.service';

export function feedRoutes(binder: RouteBinder, feed: FeedService): void {
  binder.bind(homeFeedRoute, async ({ user, query: { cursor, limit }, signal }) => {
    const { posts, nextCursor } = await feed.home(user.userId, { cursor, limit, signal });
    const body = { items: posts.map(toPostBody), nextCursor };
    if (nextCursor === null) return { status: 200, body };
    const next = `${homeFeedRoute.path}?cursor=${nextCursor}&limit=${limit}`;
    return { status: 200, body, headers: ['Link', `<${next}>; rel="next"`] };
  });
}
