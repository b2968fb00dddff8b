import { createPostRoute, getPostRoute } from '@rostrum/contracts';
import { isUnchanged, type ReplyOf, type RouteBinder } from '@rostrum/service-kit';
import { personOf } from '../profiles/viewer';
import type { PostReader } from '../visibility/post-reader';
import { toPostBody, type Post } from './post';
import { postEtag } from './post-document';
import type { PostsService } from './posts.service';

/** The client may keep a post, but asks whether it is still the same before it shows it again. */
const revalidated = ['Cache-Control', 'private, no-cache'];

type CreatedPost = ReplyOf<(typeof createPostRoute)['responses']>;

function created(post: Post): CreatedPost {
  const headers = ['Location', `${createPostRoute.path}/${post.id}`, 'ETag', postEtag(post)];
  return { status: 201, body: toPostBody(post), headers: [...headers, ...revalidated] };
}

export function postsRoutes(
  binder: RouteBinder,
  { posts, reader }: { posts: PostsService; reader: Pick<PostReader, 'readOne'> },
): void {
  binder.bind(createPostRoute, ({ user, body, once }) =>
    once((write) => posts.create(personOf(user), body.text, write), created),
  );

  binder.bind(
    getPostRoute,
    async (call) => {
      // Ids are the same in either case, cache keys are not. A signal is made only where there is something to end.
      const id = call.params.id.toLowerCase();
      const { etag, body } = await reader.readOne(call.user.userId, id, { signal: () => call.signal });
      const headers = ['ETag', etag, ...revalidated];
      if (isUnchanged(call.request.headers['if-none-match'], etag)) return { status: 304, headers };
      return { status: 200, raw: body, headers };
    },
    { startsWithRead: true },
  );
}
