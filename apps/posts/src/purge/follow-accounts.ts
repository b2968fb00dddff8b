import {
  userDeleted,
  userDeletionRequested,
  userDeletionWithdrawn,
  userRegistered,
  userRestored,
  userSuspended,
} from '@rostrum/contracts';
import type { Cache, Transaction } from '@rostrum/data-access';
import { onEvent, type Subscription } from '@rostrum/service-kit';
import { ProfilesRepository } from '../profiles/profiles.repository';
import type { People } from '../visibility/people';
import { AccountJobsRepository, type AccountJobKind } from './account-jobs.repository';
import { AccountStatesRepository, type HidingReason } from './account-states.repository';

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
  const hide = async (trx: Transaction, userId: string, [reason, at]: [HidingReason, string]) => {
    const username = await new AccountStatesRepository(trx).hide(userId, reason, at);
    await changed(trx, { userId, username, job: 'refresh' });
  };
  const show = async (trx: Transaction, userId: string, reason: HidingReason) => {
    const username = await new AccountStatesRepository(trx).show(userId, reason);
    await changed(trx, { userId, username, job: 'refresh' });
  };
  return [
    onEvent(userRegistered, async ({ userId, username, registeredAt }, { trx }) => {
      await new ProfilesRepository(trx).copy({ id: userId, username }, registeredAt);
      trx.onCommit(() => profiles.invalidate(username));
    }),
    onEvent(userSuspended, ({ userId, suspendedAt }, { trx }) =>
      hide(trx, userId, ['suspended', suspendedAt]),
    ),
    onEvent(userRestored, ({ userId }, { trx }) => show(trx, userId, 'suspended')),
    onEvent(userDeletionRequested, ({ userId, requestedAt }, { trx }) =>
      hide(trx, userId, ['leaving', requestedAt]),
    ),
    onEvent(userDeletionWithdrawn, ({ userId }, { trx }) => show(trx, userId, 'leaving')),
    onEvent(userDeleted, async ({ userId, deletedAt }, { trx }) => {
      const username = await new AccountStatesRepository(trx).markDeleted(userId, deletedAt);
      // It may be long until all that they have written is erased.
      await new AccountJobsRepository(trx).add(userId, 'refresh');
      await changed(trx, { userId, username, job: 'erase' });
    }),
  ];
}
