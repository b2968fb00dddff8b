import type { Person as PersonBody } from '@rostrum/contracts';
import { createCursorCodec } from '@rostrum/security';
import type { PeoplePages } from '../visibility/people-pages';
import type { PostPages } from '../visibility/post-pages';
import type { PostReader } from '../visibility/post-reader';
import type { MyReactions } from './reaction';
import type { PageOfReactions, ReactingPerson, ReactionsRepository } from './reactions.repository';

export interface ListRequest {
  cursor: string | undefined;
  limit: number;
  signal: AbortSignal;
}

export interface ReactionListsDependencies {
  reactions: Pick<ReactionsRepository, 'likesOf' | 'repostsOf' | 'bookmarksOf' | 'of'>;
  reader: Pick<PostReader, 'readOne'>;
  pages: Pick<PostPages, 'page'>;
  people: Pick<PeoplePages, 'page'>;
  cursorSecret: string;
}

interface PeopleList {
  /** Whose cursors are no other list's. */
  name: string;
  postId: string;
  source: (page: PageOfReactions) => Promise<ReactingPerson[]>;
}

interface PersonPage {
  items: PersonBody[];
  nextCursor: string | null;
}

export class ReactionListsService {
  constructor(private readonly dependencies: ReactionListsDependencies) {}

  likes(viewerId: string, postId: string, request: ListRequest): Promise<PersonPage> {
    const { reactions } = this.dependencies;
    const { signal } = request;
    const source = (page: PageOfReactions) => reactions.likesOf(postId, page, { signal });
    return this.people(viewerId, { name: `likes:${postId}`, postId, source }, request);
  }

  reposts(viewerId: string, postId: string, request: ListRequest): Promise<PersonPage> {
    const { reactions } = this.dependencies;
    const { signal } = request;
    const source = (page: PageOfReactions) => reactions.repostsOf(postId, page, { signal });
    return this.people(viewerId, { name: `reposts:${postId}`, postId, source }, request);
  }

  /** Each post as it is sent. */
  async bookmarks(
    viewerId: string,
    { cursor, limit, signal }: ListRequest,
  ): Promise<{ posts: string[]; nextCursor: string | null }> {
    const { reactions, pages, cursorSecret } = this.dependencies;
    const cursors = createCursorCodec<string>(cursorSecret, `bookmarks:${viewerId}`);
    const { shown, next } = await pages.page(
      viewerId,
      {
        source: (before, most) => reactions.bookmarksOf(viewerId, { before, limit: most }, { signal }),
        after: cursor === undefined ? undefined : cursors.decode(cursor),
        limit,
      },
      { place: 'collection', signal: () => signal },
    );
    const nextCursor = next === undefined ? null : cursors.encode(next);
    return { posts: shown.map(({ post }) => post.body), nextCursor };
  }

  /** Whether there is such a post makes no difference: this says only what one has done oneself. */
  mine(viewerId: string, postIds: readonly string[], signal: AbortSignal): Promise<MyReactions[]> {
    return this.dependencies.reactions.of(viewerId, postIds, { signal });
  }

  private async people(
    viewerId: string,
    { name, postId, source }: PeopleList,
    { cursor, limit, signal }: ListRequest,
  ): Promise<PersonPage> {
    const { reader, people, cursorSecret } = this.dependencies;
    const how = { signal: () => signal };
    const cursors = createCursorCodec<string>(cursorSecret, `${name}:${viewerId}`);
    const after = cursor === undefined ? undefined : cursors.decode(cursor);
    await reader.readOne(viewerId, postId, how);
    const { shown, next } = await people.page(
      viewerId,
      { source: (before, most) => source({ before, limit: most }), after, limit },
      how,
    );
    const items = shown.map(({ id, username, displayName, avatarId }) => ({
      id,
      username,
      displayName,
      avatarId,
    }));
    return { items, nextCursor: next === undefined ? null : cursors.encode(next) };
  }
}
