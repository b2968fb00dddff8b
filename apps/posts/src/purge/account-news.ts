import { profileVisibilityChanged } from '@rostrum/contracts';
import type { Cache, Database, Transaction } from '@rostrum/data-access';
import type { EventPublisher } from '@rostrum/service-kit';
import type { People } from '../visibility/people';
import { AccountStatesRepository } from './account-states.repository';

export interface AccountNewsParts {
  database: Database;
  /** Profiles by name. */
  profiles: Pick<Cache, 'invalidate'>;
  people: Pick<People, 'forget'>;
  publisher: EventPublisher;
}

/** Who hears that an account is seen by others than before: our own caches, and then other services. */
export class AccountNews {
  constructor(private readonly parts: AccountNewsParts) {}

  /** `username`: where their row has another by now. */
  async forget(userId: string, username?: string): Promise<void> {
    const { database, people, profiles } = this.parts;
    const name = username ?? (await new AccountStatesRepository(database).nameOf(userId));
    await Promise.all([people.forget([userId]), name === undefined ? undefined : profiles.invalidate(name)]);
  }

  /** After the caches: whoever hears of it asks at once who may see what. */
  async tell(trx: Transaction, userId: string): Promise<void> {
    const state = await new AccountStatesRepository(trx).stateOf(userId);
    if (!state) return;
    const payload = { userId, ...state, changedAt: new Date().toISOString() };
    await this.parts.publisher.publish(trx, profileVisibilityChanged, { key: userId, payload });
  }
}
