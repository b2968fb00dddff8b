import { getThreadRoute, listRepliesRoute, listUserPostsRoute } from '@rostrum/contracts';
import type { RouteBinder } from '@rostrum/service-kit';
import { pageReply } from '../visibility/page-reply';
import type { ThreadsService } from './threads.service';

export function threadsRoutes(binder: RouteBinder, threads: ThreadsService): void {
  binder.bind(listRepliesRoute, async ({ user, params, query, signal }) => {
    const id = params.id.toLowerCase();
    const { posts, nextCursor } = await threads.replies(user.userId, id, { ...paged(query), signal });
    const path = listRepliesRoute.path.replace(':id', id);
    return pageReply({ path, limit: query.limit, items: posts, nextCursor });
  });

  binder.bind(getThreadRoute, async ({ user, params, query, signal }) => {
    const id = params.id.toLowerCase();
    const { posts, nextCursor } = await threads.thread(user.userId, id, { ...paged(query), signal });
    const path = getThreadRoute.path.replace(':id', id);
    return pageReply({ path, limit: query.limit, items: posts, nextCursor });
  });

  binder.bind(listUserPostsRoute, async ({ user, params: { username }, query, signal }) => {
    const request = { ...paged(query), signal };
    const { posts, nextCursor } = await threads.writtenBy(user.userId, username, request);
    const path = listUserPostsRoute.path.replace(':username', username);
    return pageReply({ path, limit: query.limit, items: posts, nextCursor });
  });
}

function paged({ cursor, limit }: { cursor?: string | undefined; limit: number }) {
  return { cursor, limit };
}
