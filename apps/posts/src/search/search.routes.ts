import { searchPeopleRoute, searchPostsRoute, searchTagsRoute } from '@rostrum/contracts';
import type { RouteBinder } from '@rostrum/service-kit';
import type { TagsService } from '../tags/tags.service';
import { nextLink, pageReply } from '../visibility/page-reply';
import type { SearchService } from './search.service';

export interface SearchFeature {
  search: Pick<SearchService, 'posts' | 'people' | 'tags'>;
  tags: Pick<TagsService, 'posts'>;
}

/** The last part of the path, which is a tag like any other where nothing is looked for. */
const tagOfPath = 'search';

const withText = (path: string, text: string) => `${path}?q=${encodeURIComponent(text.toWellFormed())}`;

export function searchRoutes(binder: RouteBinder, { search, tags }: SearchFeature): void {
  binder.bind(searchPostsRoute, async ({ user, query: { q, cursor, limit }, signal }) => {
    const { items, nextCursor } = await search.posts(user.userId, q, { cursor, limit, signal });
    return pageReply({ path: withText(searchPostsRoute.path, q), limit, items, nextCursor });
  });

  binder.bind(searchPeopleRoute, async ({ user, query: { q, cursor, limit }, signal }) => {
    const body = await search.people(user.userId, q, { cursor, limit, signal });
    const { nextCursor } = body;
    const path = withText(searchPeopleRoute.path, q);
    return { status: 200, body, headers: nextLink({ path, limit, nextCursor }) };
  });

  binder.bind(searchTagsRoute, async ({ user, query: { q, cursor, limit }, signal }) => {
    const { path } = searchTagsRoute;
    if (q === undefined) {
      const { posts, nextCursor } = await tags.posts(user.userId, tagOfPath, { cursor, limit, signal });
      return pageReply({ path, limit, items: posts, nextCursor });
    }
    const body = await search.tags(user.userId, q, { cursor, limit, signal });
    const { nextCursor } = body;
    return { status: 200, body, headers: nextLink({ path: withText(path, q), limit, nextCursor }) };
  });
}
