import { userFollowed } from '@rostrum/contracts';
import type { Cache, Queryable, Transaction } from '@rostrum/data-access';
import type { EventPublisher, Write } from '@rostrum/service-kit';
import type { BusinessEvents } from '../business-events';
import type { Person } from '../profiles/profile';
import { profilesErrors } from '../profiles/profiles.errors';
import { ProfilesRepository } from '../profiles/profiles.repository';
import { followsErrors } from './follows.errors';
import { FollowsRepository } from './follows.repository';

export interface FollowsDependencies {
  publisher: EventPublisher;
  events: Pick<BusinessEvents, 'userFollowed' | 'userUnfollowed'>;
  /** Profiles by name: they count who follows whom. */
  profiles: Pick<Cache, 'change'>;
}

export interface FollowOptions {
  /** The transaction of the change. */
  write: Write<void>;
  signal: AbortSignal;
}

export class FollowsService {
  constructor(private readonly dependencies: FollowsDependencies) {}

  /** Following somebody again changes nothing and tells nobody. */
  async follow(follower: Person, username: string, { write, signal }: FollowOptions): Promise<void> {
    const { publisher, events, profiles } = this.dependencies;
    if (username === follower.username) throw followsErrors.cannotFollowYourself();
    const work = async (trx: Transaction) => {
      const followeeId = await idOf(username, trx);
      // A token may be older than its holder's present name.
      if (followeeId === follower.id) throw followsErrors.cannotFollowYourself();
      await new ProfilesRepository(trx).ensure(follower);
      const since = await new FollowsRepository(trx).add({ followerId: follower.id, followeeId });
      if (!since) return;
      await publisher.publish(trx, userFollowed, {
        key: followeeId,
        payload: {
          followerId: follower.id,
          followerUsername: follower.username,
          followeeId,
          followedAt: since.toISOString(),
        },
      });
      trx.onCommit(() => events.userFollowed(followeeId));
    };
    await profiles.change([follower.username, username], () => write(work, { signal }));
  }

  async unfollow(follower: Person, username: string, { write, signal }: FollowOptions): Promise<void> {
    const { events, profiles } = this.dependencies;
    const work = async (trx: Transaction) => {
      const followeeId = await idOf(username, trx);
      const removed = await new FollowsRepository(trx).remove({ followerId: follower.id, followeeId });
      if (removed) trx.onCommit(() => events.userUnfollowed(followeeId));
    };
    await profiles.change([follower.username, username], () => write(work, { signal }));
  }
}

async function idOf(username: string, db: Queryable): Promise<string> {
  const profile = await new ProfilesRepository(db).findByUsername(username);
  if (!profile) throw profilesErrors.notFound();
  return profile.id;
}
