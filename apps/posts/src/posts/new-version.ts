import { postUpdated } from '@rostrum/contracts';
import type { Transaction } from '@rostrum/data-access';
import type { EventPublisher } from '@rostrum/service-kit';
import type { BusinessEvents } from '../business-events';
import type { Post } from './post';
import type { PostRow } from './post-row';
import { postsErrors } from './posts.errors';
import { PostsRepository } from './posts.repository';

/** The post, locked; refused where there is nothing that its author could change. */
export async function lockEditable(posts: Pick<PostsRepository, 'lock'>, id: string): Promise<PostRow> {
  const row = (await posts.lock([id])).get(id);
  if (!row || row.hidden) throw postsErrors.notFound();
  if (row.deleted) throw postsErrors.deleted();
  return row;
}

/**
 * Makes a version of a post whose row is locked, and tells of it. Whoever calls it sees to it that the cache hears of
 * the change.
 */
export async function publishVersion(
  trx: Transaction,
  { publisher, events }: { publisher: EventPublisher; events: Pick<BusinessEvents, 'postEdited'> },
  { before, ...content }: { before: Post } & Pick<Post, 'text' | 'facets' | 'media'>,
): Promise<Post & { editedAt: Date }> {
  const editedAt = new Date();
  const post = { ...before, ...content, version: before.version + 1, editedAt };
  await new PostsRepository(trx).replaceContent(post);
  await publisher.publish(trx, postUpdated, {
    key: post.author.id,
    payload: {
      postId: post.id,
      authorId: post.author.id,
      version: post.version,
      editedAt: editedAt.toISOString(),
    },
  });
  trx.onCommit(() => events.postEdited(post));
  return post;
}
