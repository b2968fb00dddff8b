import { userDeleted } from '@rostrum/contracts';
import { onEvent, type Subscription } from '@rostrum/service-kit';
import { ForgottenPeopleRepository } from './forgotten-people.repository';

/** Whoever is gone for good: what they were told, what others were told of them, and how they wanted to be told. */
export function forgetPerson(): Subscription {
  return onEvent(userDeleted, ({ userId, deletedAt }, { trx }) =>
    new ForgottenPeopleRepository(trx).forget(userId, new Date(deletedAt)),
  );
}
