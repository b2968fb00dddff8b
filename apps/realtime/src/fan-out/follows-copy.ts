import type { Database } from '@rostrum/data-access';
import type { PostsClient } from '../live/posts.client';
import { CopiesRepository } from './copies.repository';
import { FollowsRepository } from './follows.repository';

export interface FollowsCopyParts {
  database: Database;
  posts: Pick<PostsClient, 'follows'>;
  onDone: () => void;
}

const name = 'follows';

/**
 * Copies, once, the follows that were there before this service kept a copy by events. A page and how far it goes are
 * one transaction: any number of workers may do it, and die over it. What an event has told since is newer than the
 * page, whichever of the two comes first.
 */
export class FollowsCopy {
  private done = false;

  constructor(private readonly parts: FollowsCopyParts) {}

  /** Goes on where the last one stopped, to the end. */
  async round(): Promise<void> {
    while (!this.done) await this.step();
  }

  private async step(): Promise<void> {
    const { database, posts, onDone } = this.parts;
    const { position, done } = await new CopiesRepository(database).find(name);
    this.done = done;
    if (done) return;
    const { items, next } = await posts.follows(position ?? undefined);
    await database.transaction(async (trx) => {
      if (!(await new CopiesRepository(trx).advance(name, { from: position, to: next }))) return;
      await new FollowsRepository(trx).putOlder(items);
      if (next === null) trx.onCommit(onDone);
    });
  }
}
