import { createCursorCodec } from '@rostrum/security';
import { postsErrors } from '../posts/posts.errors';
import { profilesErrors } from '../profiles/profiles.errors';
import type { ProfilesService } from '../profiles/profiles.service';
import type { Place } from '../visibility/decide';
import type { PeopleReader } from '../visibility/people-reader';
import { entriesOf, type PostPages } from '../visibility/post-pages';
import type { PostReader } from '../visibility/post-reader';
import type { PageOfIds, ThreadsRepository } from './threads.repository';

export interface ListRequest {
  cursor: string | undefined;
  limit: number;
  signal: AbortSignal;
}

export interface ListPage {
  /** Each post as it is sent. */
  posts: string[];
  nextCursor: string | null;
}

export interface ThreadsDependencies {
  threads: Pick<ThreadsRepository, 'repliesTo' | 'threadOf' | 'writtenBy'>;
  pages: Pick<PostPages, 'page'>;
  reader: Pick<PostReader, 'show'>;
  people: Pick<PeopleReader, 'isVisible' | 'seesPostsOf'>;
  profiles: Pick<ProfilesService, 'idOf'>;
  cursorSecret: string;
}

interface List {
  /** Whose cursors are no other list's. */
  name: string;
  place: Place;
  ids: (page: PageOfIds) => Promise<string[]>;
}

const nothing: ListPage = { posts: [], nextCursor: null };

/** Lists of posts that belong together: as answers, as a thread, as somebody's. */
export class ThreadsService {
  constructor(private readonly dependencies: ThreadsDependencies) {}

  async replies(viewerId: string, postId: string, request: ListRequest): Promise<ListPage> {
    const { threads } = this.dependencies;
    const { signal } = request;
    await this.assertSeen(viewerId, postId, signal);
    const ids = (page: PageOfIds) => threads.repliesTo(postId, page, { signal });
    return this.page(viewerId, { name: `replies:${postId}`, place: 'thread', ids }, request);
  }

  async thread(viewerId: string, postId: string, request: ListRequest): Promise<ListPage> {
    const { threads } = this.dependencies;
    const { signal } = request;
    await this.assertSeen(viewerId, postId, signal);
    const ids = (page: PageOfIds) => threads.threadOf(postId, page, { signal });
    return this.page(viewerId, { name: `thread:${postId}`, place: 'thread', ids }, request);
  }

  async writtenBy(viewerId: string, username: string, request: ListRequest): Promise<ListPage> {
    const { threads, people, profiles } = this.dependencies;
    const { signal } = request;
    const how = { signal: () => signal };
    const authorId = await profiles.idOf(username, how.signal);
    if (authorId === undefined || !(await people.isVisible(viewerId, authorId, how))) {
      throw profilesErrors.notFound();
    }
    // Else a page would look at hundreds of posts to find that it shows none of them.
    if (!(await people.seesPostsOf(viewerId, authorId, how))) return nothing;
    const ids = (page: PageOfIds) => threads.writtenBy(authorId, page, { signal });
    return this.page(viewerId, { name: `posts:${authorId}`, place: 'profile', ids }, request);
  }

  /** A deleted post still has the answers that it was given. */
  private async assertSeen(viewerId: string, postId: string, signal: AbortSignal): Promise<void> {
    const how = { place: 'thread', signal: () => signal } as const;
    const [seen] = await this.dependencies.reader.show(viewerId, [postId], how);
    if (!seen) throw postsErrors.notFound();
  }

  private async page(
    viewerId: string,
    { name, place, ids }: List,
    { cursor, limit, signal }: ListRequest,
  ): Promise<ListPage> {
    const { pages, cursorSecret } = this.dependencies;
    const cursors = createCursorCodec<string>(cursorSecret, `${name}:${viewerId}`);
    const { shown, next } = await pages.page(
      viewerId,
      {
        source: async (after, most) => entriesOf(await ids({ after, limit: most })),
        after: cursor === undefined ? undefined : cursors.decode(cursor),
        limit,
      },
      { place, signal: () => signal },
    );
    const nextCursor = next === undefined ? null : cursors.encode(next);
    return { posts: shown.map(({ post }) => post.body), nextCursor };
  }
}
