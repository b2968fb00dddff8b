import {
  bookmarkPostRoute,
  getReactionsRoute,
  likePostRoute,
  listBookmarksRoute,
  listLikesRoute,
  listRepostsRoute,
  repostRoute,
  unbookmarkPostRoute,
  unlikePostRoute,
  unrepostRoute,
} from '@rostrum/contracts';
import type { RouteBinder } from '@rostrum/service-kit';
import { personOf } from '../profiles/viewer';
import { nextLink, pageReply } from '../visibility/page-reply';
import type { ReactionListsService } from './reaction-lists.service';
import type { ReactionsService } from './reactions.service';

export interface ReactionsFeature {
  reactions: Pick<ReactionsService, 'react'>;
  lists: Pick<ReactionListsService, 'likes' | 'reposts' | 'bookmarks' | 'mine'>;
}

const writingRoutes = [
  { route: likePostRoute, kind: 'like', isOn: true },
  { route: unlikePostRoute, kind: 'like', isOn: false },
  { route: repostRoute, kind: 'repost', isOn: true },
  { route: unrepostRoute, kind: 'repost', isOn: false },
  { route: bookmarkPostRoute, kind: 'bookmark', isOn: true },
  { route: unbookmarkPostRoute, kind: 'bookmark', isOn: false },
] as const;

const done = { status: 204 } as const;

export function reactionsRoutes(binder: RouteBinder, { reactions, lists }: ReactionsFeature): void {
  for (const { route, kind, isOn } of writingRoutes) {
    binder.bind(route as typeof likePostRoute, async (call) => {
      const postId = call.params.id.toLowerCase();
      const reaction = { kind, isOn, person: personOf(call.user), postId };
      const signal = () => call.signal;
      if (call.request.headers['idempotency-key'] !== undefined) {
        return call.once<void, typeof done>(
          (write) => reactions.react(reaction, { write, signal }),
          () => done,
        );
      }
      await reactions.react(reaction, { write: undefined, signal });
      return done;
    });
  }
  listRoutes(binder, lists);
}

function listRoutes(binder: RouteBinder, lists: ReactionsFeature['lists']): void {
  for (const [route, list] of [
    [listLikesRoute, 'likes'],
    [listRepostsRoute, 'reposts'],
  ] as const) {
    binder.bind(
      route as typeof listLikesRoute,
      async ({ user, params, query: { cursor, limit }, signal }) => {
        const id = params.id.toLowerCase();
        const body = await lists[list](user.userId, id, { cursor, limit, signal });
        const path = route.path.replace(':id', id);
        return { status: 200, body, headers: nextLink({ path, limit, nextCursor: body.nextCursor }) };
      },
    );
  }

  binder.bind(listBookmarksRoute, async ({ user, query: { cursor, limit }, signal }) => {
    const { posts, nextCursor } = await lists.bookmarks(user.userId, { cursor, limit, signal });
    return pageReply({ path: listBookmarksRoute.path, limit, items: posts, nextCursor });
  });

  binder.bind(getReactionsRoute, async ({ user, query, signal }) => {
    const ids = [...new Set(query.ids.map((id) => id.toLowerCase()))];
    return { status: 200, body: { items: await lists.mine(user.userId, ids, signal) } };
  });
}
