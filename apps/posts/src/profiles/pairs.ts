import type { Transaction } from '@rostrum/data-access';
import { PairsRepository, type LockedPerson } from './pairs.repository';
import type { Person } from './profile';
import { profilesErrors } from './profiles.errors';
import { ProfilesRepository } from './profiles.repository';

/**
 * The person of that name, locked together with the one who does something to them. A person may be the same as the one
 * who does it: a token can be older than its holder's present name.
 */
export async function lockPair(trx: Transaction, actor: Person, username: string): Promise<LockedPerson> {
  await new ProfilesRepository(trx).ensure(actor);
  const found = await new PairsRepository(trx).lock(actor.id, username);
  const other = found.find((each) => each.username === username);
  if (!other || other.isDeleted) throw profilesErrors.notFound();
  return other;
}
