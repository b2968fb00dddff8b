import {
  createPostRoute,
  deletePostRoute,
  editPostRoute,
  getPostRoute,
  listPostsRoute,
  listPostVersionsRoute,
} from '@rostrum/contracts';
import { isUnchanged, ProvisionalReply, type ReplyOf, type RouteBinder } from '@rostrum/service-kit';
import { personOf } from '../profiles/viewer';
import { joinItems, nextLink } from '../visibility/page-reply';
import type { PostReader } from '../visibility/post-reader';
import { toPostBody, type Post } from './post';
import type { GatheredPosts } from './gathered-posts';
import type { PostChangesService } from './post-changes.service';
import { postEtag, type PostDocument } from './post-document';
import { postsErrors } from './posts.errors';
import type { PostsService } from './posts.service';
import type { VersionsService } from './versions.service';

export interface PostsFeature {
  posts: PostsService;
  together: Pick<GatheredPosts, 'create'>;
  changes: PostChangesService;
  versions: VersionsService;
  reader: Pick<PostReader, 'remembered' | 'readOne' | 'show'>;
}

/** The client may keep a post, but asks whether it is still the same before it shows it again. */
const revalidated = ['Cache-Control', 'private, no-cache'];

type CreatedPost = ReplyOf<(typeof createPostRoute)['responses']>;
type EditedPost = ReplyOf<(typeof editPostRoute)['responses']>;

export function created(post: Post): CreatedPost {
  const headers = ['Location', `${createPostRoute.path}/${post.id}`, 'ETag', postEtag(post)];
  return { status: 201, body: toPostBody(post), headers: [...headers, ...revalidated] };
}

function edited(post: Post): EditedPost {
  return { status: 200, body: toPostBody(post), headers: ['ETag', postEtag(post), ...revalidated] };
}

type GivenPost = ReplyOf<(typeof getPostRoute)['responses']>;

function given({ etag, body, bytes }: PostDocument, ifNoneMatch: string | undefined): GivenPost {
  const headers = ['ETag', etag, ...revalidated];
  return isUnchanged(ifNoneMatch, etag)
    ? { status: 304, headers }
    : { status: 200, raw: body, bytes, headers };
}

const done = (): { status: 204 } => ({ status: 204 });

export function postsRoutes(binder: RouteBinder, feature: PostsFeature): void {
  readingRoutes(binder, feature);
  writingRoutes(binder, feature);
}

function readingRoutes(binder: RouteBinder, { reader, versions }: PostsFeature): void {
  binder.bind(
    getPostRoute,
    (call) => {
      const { userId } = call.user;
      const ifNoneMatch = call.request.headers['if-none-match'];
      // Ids are the same in either case, cache keys are not. A signal is made only where there is something to end.
      const id = call.params.id.toLowerCase();
      const read = async () =>
        given(await reader.readOne(userId, id, { signal: () => call.signal }), ifNoneMatch);
      const known = reader.remembered(userId, id);
      return known ? new ProvisionalReply(given(known.document, ifNoneMatch), known.condition, read) : read();
    },
    { startsWithRead: true },
  );

  binder.bind(
    listPostsRoute,
    async (call) => {
      const ids = [...new Set(call.query.ids.map((id) => id.toLowerCase()))];
      const posts = await reader.show(call.user.userId, ids, { signal: () => call.signal });
      return { status: 200, raw: joinItems(posts.map(({ body }) => body)), headers: revalidated };
    },
    { startsWithRead: true },
  );

  binder.bind(listPostVersionsRoute, async ({ user, params, query: { cursor, limit }, signal }) => {
    const id = params.id.toLowerCase();
    const body = await versions.list(user.userId, id, { cursor, limit, signal });
    const path = listPostVersionsRoute.path.replace(':id', id);
    return { status: 200, body, headers: nextLink({ path, limit, nextCursor: body.nextCursor }) };
  });
}

function writingRoutes(binder: RouteBinder, { posts, together, changes }: PostsFeature): void {
  binder.bind(createPostRoute, (call) => {
    const { user, body } = call;
    return call.once(
      (write) => posts.create(personOf(user), body, { write, signal: () => call.signal }),
      created,
      (keep) => together.create(personOf(user), body, keep),
    );
  });

  binder.bind(editPostRoute, (call) => {
    const { user, params, body, request } = call;
    const ifMatch = request.headers['if-match'];
    if (ifMatch === undefined) throw postsErrors.preconditionRequired();
    const edit = { id: params.id.toLowerCase(), text: body.text, media: body.media, ifMatch };
    return call.once(
      (write) => changes.edit(user.userId, edit, { write, signal: () => call.signal }),
      edited,
    );
  });

  binder.bind(deletePostRoute, (call) =>
    call.once<void, { status: 204 }>(
      (write) =>
        changes.remove(call.user.userId, call.params.id.toLowerCase(), {
          write,
          signal: () => call.signal,
        }),
      done,
    ),
  );
}
