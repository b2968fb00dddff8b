import { postDeleted } from '@rostrum/contracts';
import type { Cache, Database } from '@rostrum/data-access';
import type { EventPublisher } from '@rostrum/service-kit';
import { MediaRemovalsRepository } from '../media/media-removals.repository';
import { PostRemovalRepository, type RemovablePost } from './post-removal.repository';

/** What thousands have liked is emptied before it goes, so that no transaction is long. */
const reactionsAtOnce = 1_000;

export interface PostRemovalParts {
  database: Pick<Database, 'transaction' | 'query' | 'run'>;
  /** Posts by id. */
  cache: Pick<Cache, 'change'>;
  publisher: EventPublisher;
}

/** Takes posts away with all that hangs on them. Whoever dies over it leaves nothing half done that cannot be done again. */
export class PostRemoval {
  constructor(private readonly parts: PostRemovalParts) {}

  /** Resolves to how many there were. */
  async remove(posts: readonly RemovablePost[]): Promise<number> {
    const { database, cache } = this.parts;
    if (posts.length === 0) return 0;
    const ids = posts.map(({ id }) => id);
    const repository = new PostRemovalRepository(database);
    for (;;) {
      const most = await repository.removeReactions(ids, reactionsAtOnce);
      if (most < reactionsAtOnce) break;
    }
    const counted = posts.flatMap(({ reply_to, quote_of }) => [reply_to, quote_of]);
    const changed = [...new Set([...ids, ...counted.filter((id) => id !== null)])];
    return cache.change(changed, () => this.removeRows(ids, changed));
  }

  private removeRows(ids: readonly string[], locked: readonly string[]): Promise<number> {
    const { database, publisher } = this.parts;
    return database.transaction(async (trx) => {
      const repository = new PostRemovalRepository(trx);
      await repository.lock(locked);
      const removed = await repository.remove(ids);
      await new MediaRemovalsRepository(trx).removeOfPosts(ids);
      const deletedAt = new Date().toISOString();
      for (const { id: postId, author_id: authorId, was_there } of removed) {
        if (!was_there) continue;
        await publisher.publish(trx, postDeleted, {
          key: authorId,
          payload: { postId, authorId, deletedAt },
        });
      }
      return removed.length;
    });
  }
}
