import { listPostsWithTagRoute, listTrendingTagsRoute } from '@rostrum/contracts';
import type { RouteBinder } from '@rostrum/service-kit';
import { normalTag } from '../text/find-facets';
import { pageReply } from '../visibility/page-reply';
import type { TagsService } from './tags.service';

export function tagsRoutes(binder: RouteBinder, tags: Pick<TagsService, 'posts' | 'trending'>): void {
  binder.bind(listPostsWithTagRoute, async ({ user, params, query: { cursor, limit }, signal }) => {
    const tag = normalTag(params.tag);
    const { posts, nextCursor } = await tags.posts(user.userId, tag, { cursor, limit, signal });
    const path = listPostsWithTagRoute.path.replace(':tag', encodeURIComponent(tag));
    return pageReply({ path, limit, items: posts, nextCursor });
  });

  binder.bind(listTrendingTagsRoute, async () => {
    const items = await tags.trending();
    return { status: 200, body: { items } };
  });
}
