import { userFollowRequested } from '@rostrum/contracts';
import type { Cache, Transaction } from '@rostrum/data-access';
import type { EventPublisher, Write } from '@rostrum/service-kit';
import { lockPair } from '../profiles/pairs';
import { PairsRepository, type LockedPerson } from '../profiles/pairs.repository';
import type { Person } from '../profiles/profile';
import { profilesErrors } from '../profiles/profiles.errors';
import { decidePerson } from '../visibility/decide';
import type { FollowChanges } from './follow-changes';
import { followsErrors } from './follows.errors';
import { RequestsRepository } from './requests.repository';

export interface FollowsDependencies {
  publisher: EventPublisher;
  changes: FollowChanges;
  /** Profiles by name: they count who follows whom. */
  profiles: Pick<Cache, 'change'>;
}

/** What has become of the wish to follow somebody. */
export type FollowState = 'following' | 'requested';

export interface WriteOptions<T> {
  /** The transaction of the change. */
  write: Write<T>;
  signal: AbortSignal;
}

export class FollowsService {
  constructor(private readonly dependencies: FollowsDependencies) {}

  /** Following somebody again, or asking again, changes nothing and tells nobody. */
  async follow(
    follower: Person,
    username: string,
    { write, signal }: WriteOptions<FollowState>,
  ): Promise<FollowState> {
    const { changes, profiles } = this.dependencies;
    if (username === follower.username) throw followsErrors.cannotFollowYourself();
    const work = async (trx: Transaction): Promise<FollowState> => {
      const followee = await lockPair(trx, follower, username);
      // A token may be older than its holder's present name.
      if (followee.id === follower.id) throw followsErrors.cannotFollowYourself();
      const { blocked, follows, requested } = await new PairsRepository(trx).stateOf(
        follower.id,
        followee.id,
      );
      const relation = { isAuthor: false, blocked, muted: false };
      if (decidePerson(followee, relation, 'direct') !== 'shown') throw profilesErrors.notFound();
      if (follows) return 'following';
      if (followee.isPrivate) {
        if (!requested) await this.ask(trx, follower, followee);
        return 'requested';
      }
      await changes.begin(trx, follower, followee.id);
      return 'following';
    };
    return profiles.change([follower.username, username], () => write(work, { signal }));
  }

  /** Ends a follow, or the request for one; also of somebody who cannot be seen any more. */
  async unfollow(follower: Person, username: string, { write, signal }: WriteOptions<void>): Promise<void> {
    const { changes, profiles } = this.dependencies;
    const work = async (trx: Transaction) => {
      const { id: followeeId } = await lockPair(trx, follower, username);
      if (await changes.end(trx, { followerId: follower.id, followeeId })) return;
      await changes.withdraw(trx, { requesterId: follower.id, targetId: followeeId });
    };
    await profiles.change([follower.username, username], () => write(work, { signal }));
  }

  /** Lets somebody follow who has asked to. */
  async accept(owner: Person, username: string, { write, signal }: WriteOptions<void>): Promise<void> {
    const { changes, profiles } = this.dependencies;
    const work = async (trx: Transaction) => {
      const requester = await lockPair(trx, owner, username);
      const { follows, requested } = await new PairsRepository(trx).stateOf(requester.id, owner.id);
      if (follows) return;
      if (!requested || requester.isGone) throw followsErrors.noRequest();
      await changes.begin(trx, requester, owner.id);
    };
    await profiles.change([owner.username, username], () => write(work, { signal }));
  }

  async refuse(owner: Person, username: string, { write, signal }: WriteOptions<void>): Promise<void> {
    const work = async (trx: Transaction) => {
      const requester = await lockPair(trx, owner, username);
      await this.dependencies.changes.withdraw(trx, { requesterId: requester.id, targetId: owner.id });
    };
    await write(work, { signal });
  }

  private async ask(trx: Transaction, requester: Person, target: LockedPerson): Promise<void> {
    const at = await new RequestsRepository(trx).add({ requesterId: requester.id, targetId: target.id });
    if (!at) return;
    await this.dependencies.publisher.publish(trx, userFollowRequested, {
      key: target.id,
      payload: {
        requesterId: requester.id,
        requesterUsername: requester.username,
        targetId: target.id,
        requestedAt: at.toISOString(),
      },
    });
  }
}
