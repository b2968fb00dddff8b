import type { Queryable } from '@rostrum/data-access';
import type { PostRemoval } from './post-removal';
import { PostRemovalRepository } from './post-removal.repository';

export interface PurgeRules {
  /** How long a post that its author has deleted is kept. */
  keptSeconds: number;
  batch: number;
}

/** Takes posts away for good that were deleted long ago. */
export class PostPurge {
  constructor(
    private readonly database: Queryable,
    private readonly removal: Pick<PostRemoval, 'remove'>,
    private readonly rules: PurgeRules,
  ) {}

  /** Resolves to how many there were. */
  async purgeSome(): Promise<number> {
    const { keptSeconds, batch } = this.rules;
    const before = new Date(Date.now() - keptSeconds * 1_000);
    return this.removal.remove(await new PostRemovalRepository(this.database).deletedBefore(before, batch));
  }
}
