import { userBlocked, userMuted, userUnblocked, userUnmuted } from '@rostrum/contracts';
import type { Cache, Transaction } from '@rostrum/data-access';
import type { EventPublisher, Write } from '@rostrum/service-kit';
import type { FollowChanges } from '../follows/follow-changes';
import { lockPair } from '../profiles/pairs';
import { PairsRepository, type LockedPerson } from '../profiles/pairs.repository';
import type { Person } from '../profiles/profile';
import { profilesErrors } from '../profiles/profiles.errors';
import type { ProfilesService } from '../profiles/profiles.service';
import { decidePerson } from '../visibility/decide';
import type { ViewerRelations } from '../visibility/viewer-relations';
import { AvoidancesRepository } from './avoidances.repository';
import { blocksErrors } from './blocks.errors';

export interface BlocksDependencies {
  publisher: EventPublisher;
  follows: FollowChanges;
  ids: Pick<ProfilesService, 'idOf'>;
  /** Profiles by name: they count who follows whom. */
  profiles: Pick<Cache, 'change'>;
  relations: Pick<ViewerRelations, 'change'>;
}

export interface WriteOptions {
  write: Write<void>;
  signal: AbortSignal;
}

type Work = (trx: Transaction, other: LockedPerson) => Promise<void>;

/** What people do so that they have nothing to do with each other. All of it can be repeated without more happening. */
export class BlocksService {
  constructor(private readonly dependencies: BlocksDependencies) {}

  /** Ends all that is between the two. Whoever cannot be seen any more can be blocked all the same. */
  async block(person: Person, username: string, options: WriteOptions): Promise<void> {
    const { profiles } = this.dependencies;
    if (username === person.username) throw blocksErrors.cannotBlockYourself();
    const work: Work = async (trx, other) => {
      if (other.id === person.id) throw blocksErrors.cannotBlockYourself();
      await this.blockIn(trx, person.id, other.id);
    };
    await profiles.change([person.username, username], () =>
      this.change({ person, username }, work, options),
    );
  }

  async unblock(person: Person, username: string, options: WriteOptions): Promise<void> {
    const work: Work = async (trx, { id: otherId }) => {
      const removed = await new AvoidancesRepository(trx, 'block').remove({ personId: person.id, otherId });
      if (!removed) return;
      await this.dependencies.publisher.publish(trx, userUnblocked, {
        key: otherId,
        payload: { blockerId: person.id, blockedId: otherId, unblockedAt: new Date().toISOString() },
      });
    };
    await this.change({ person, username }, work, options);
  }

  async mute(person: Person, username: string, options: WriteOptions): Promise<void> {
    if (username === person.username) throw blocksErrors.cannotMuteYourself();
    const work: Work = async (trx, other) => {
      if (other.id === person.id) throw blocksErrors.cannotMuteYourself();
      const { blocked } = await new PairsRepository(trx).stateOf(person.id, other.id);
      const relation = { isAuthor: false, blocked, muted: false };
      if (decidePerson(other, relation, 'direct') !== 'shown') throw profilesErrors.notFound();
      const at = await new AvoidancesRepository(trx, 'mute').add({ personId: person.id, otherId: other.id });
      if (!at) return;
      await this.dependencies.publisher.publish(trx, userMuted, {
        key: other.id,
        payload: { muterId: person.id, mutedId: other.id, mutedAt: at.toISOString() },
      });
    };
    await this.change({ person, username }, work, options);
  }

  async unmute(person: Person, username: string, options: WriteOptions): Promise<void> {
    const work: Work = async (trx, { id: otherId }) => {
      const removed = await new AvoidancesRepository(trx, 'mute').remove({ personId: person.id, otherId });
      if (!removed) return;
      await this.dependencies.publisher.publish(trx, userUnmuted, {
        key: otherId,
        payload: { muterId: person.id, mutedId: otherId, unmutedAt: new Date().toISOString() },
      });
    };
    await this.change({ person, username }, work, options);
  }

  private async blockIn(trx: Transaction, blockerId: string, blockedId: string): Promise<void> {
    const { publisher, follows } = this.dependencies;
    const at = await new AvoidancesRepository(trx, 'block').add({ personId: blockerId, otherId: blockedId });
    if (!at) return;
    for (const [one, other] of [
      [blockerId, blockedId],
      [blockedId, blockerId],
    ] as const) {
      await follows.end(trx, { followerId: one, followeeId: other });
      await follows.withdraw(trx, { requesterId: one, targetId: other });
    }
    await publisher.publish(trx, userBlocked, {
      key: blockedId,
      payload: { blockerId, blockedId, blockedAt: at.toISOString() },
    });
  }

  /** In a transaction that has locked both; when it is over, everybody's reads know of it. */
  private async change(
    { person, username }: { person: Person; username: string },
    work: Work,
    { write, signal }: WriteOptions,
  ): Promise<void> {
    const { ids, relations } = this.dependencies;
    // Names never change hands: it is the same person who is found in the transaction, or nobody.
    const otherId = await ids.idOf(username, () => signal);
    const locked = async (trx: Transaction) => {
      const other = await lockPair(trx, person, username);
      // Somebody who has come only now: what is kept of them has not been fenced.
      if (other.id !== otherId) throw profilesErrors.notFound();
      await work(trx, other);
    };
    const changed = otherId === undefined ? [person.id] : [person.id, otherId];
    await relations.change([...new Set(changed)], () => write(locked, { signal }));
  }
}
