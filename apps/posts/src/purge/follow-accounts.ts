import { userDeleted, userRegistered, userRestored, userSuspended } from '@rostrum/contracts';
import type { Cache, Transaction } from '@rostrum/data-access';
import { onEvent, type Subscription } from '@rostrum/service-kit';
import { ProfilesRepository } from '../profiles/profiles.repository';
import type { People } from '../visibility/people';
import { AccountJobsRepository, type AccountJobKind } from './account-jobs.repository';
import { AccountStatesRepository } from './account-states.repository';

export interface FollowAccountsParts {
  /** Profiles by name. */
  profiles: Pick<Cache, 'invalidate'>;
  people: Pick<People, 'forget'>;
  /** Lets the worker see at once that there is something to do. */
  wake: () => void;
}

/**
 * Keeps the read copy of auth's accounts. May see an event any number of times. What caches hold is taken away with the
 * commit; a job does it again, for the case that this process dies before it comes to that.
 */
export function followAccounts({ profiles, people, wake }: FollowAccountsParts): Subscription[] {
  const changed = async (
    trx: Transaction,
    { userId, username, job }: { userId: string; username: string | undefined; job: AccountJobKind },
  ) => {
    if (username === undefined) return;
    await new AccountJobsRepository(trx).add(userId, job);
    trx.onCommit(async () => {
      await Promise.all([people.forget([userId]), profiles.invalidate(username)]);
      wake();
    });
  };
  return [
    onEvent(userRegistered, async ({ userId, username, registeredAt }, { trx }) => {
      await new ProfilesRepository(trx).copy({ id: userId, username }, registeredAt);
      trx.onCommit(() => profiles.invalidate(username));
    }),
    onEvent(userSuspended, async ({ userId, suspendedAt }, { trx }) => {
      const username = await new AccountStatesRepository(trx).suspend(userId, suspendedAt);
      await changed(trx, { userId, username, job: 'refresh' });
    }),
    onEvent(userRestored, async ({ userId }, { trx }) => {
      const username = await new AccountStatesRepository(trx).restore(userId);
      await changed(trx, { userId, username, job: 'refresh' });
    }),
    onEvent(userDeleted, async ({ userId, deletedAt }, { trx }) => {
      const username = await new AccountStatesRepository(trx).markDeleted(userId, deletedAt);
      await changed(trx, { userId, username, job: 'erase' });
    }),
  ];
}
