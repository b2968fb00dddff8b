import { userFollowed, userFollowRequestWithdrawn, userUnfollowed } from '@rostrum/contracts';
import type { Transaction } from '@rostrum/data-access';
import type { EventPublisher } from '@rostrum/service-kit';
import type { BusinessEvents } from '../business-events';
import type { Person } from '../profiles/profile';
import { FollowsRepository, type Follow } from './follows.repository';
import { RequestsRepository, type FollowRequest } from './requests.repository';

/** Follows as parts of transactions that have locked both people: rows, counts and what others are told. */
export class FollowChanges {
  constructor(
    private readonly publisher: EventPublisher,
    private readonly events: Pick<BusinessEvents, 'userFollowed' | 'userUnfollowed'>,
  ) {}

  /** A follow that is there already tells nobody. */
  async begin(trx: Transaction, follower: Person, followeeId: string): Promise<void> {
    const since = await new FollowsRepository(trx).add({ followerId: follower.id, followeeId });
    if (!since) return;
    await this.publisher.publish(trx, userFollowed, {
      key: followeeId,
      payload: {
        followerId: follower.id,
        followerUsername: follower.username,
        followeeId,
        followedAt: since.toISOString(),
      },
    });
    trx.onCommit(() => this.events.userFollowed(followeeId));
  }

  /** Whether there was one to end. */
  async end(trx: Transaction, follow: Follow): Promise<boolean> {
    if (!(await new FollowsRepository(trx).remove(follow))) return false;
    await this.publisher.publish(trx, userUnfollowed, {
      key: follow.followeeId,
      payload: { ...follow, unfollowedAt: new Date().toISOString() },
    });
    trx.onCommit(() => this.events.userUnfollowed(follow.followeeId));
    return true;
  }

  /** Whoever has asked asks no more, or has been refused. */
  async withdraw(trx: Transaction, request: FollowRequest): Promise<void> {
    if (!(await new RequestsRepository(trx).remove(request))) return;
    await this.publisher.publish(trx, userFollowRequestWithdrawn, {
      key: request.targetId,
      payload: { ...request, withdrawnAt: new Date().toISOString() },
    });
  }
}
