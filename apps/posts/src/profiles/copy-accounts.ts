import { userRegistered } from '@rostrum/contracts';
import type { Cache } from '@rostrum/data-access';
import { onEvent, type Subscription } from '@rostrum/service-kit';
import { ProfilesRepository } from './profiles.repository';

/** Keeps the read copy of auth's accounts. May see an event any number of times. */
export function copyAccounts(cache: Pick<Cache, 'invalidate'>): Subscription {
  return onEvent(userRegistered, async ({ userId, username, registeredAt }, { trx }) => {
    await new ProfilesRepository(trx).copy({ id: userId, username }, registeredAt);
    trx.onCommit(() => cache.invalidate(username));
  });
}
