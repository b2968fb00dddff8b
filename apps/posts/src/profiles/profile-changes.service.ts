import type { ProfileChange } from '@rostrum/contracts';
import type { Cache, Transaction } from '@rostrum/data-access';
import type { Write } from '@rostrum/service-kit';
import type { BusinessEvents } from '../business-events';
import { AccountJobsRepository } from '../purge/account-jobs.repository';
import type { People } from '../visibility/people';
import type { Person, Profile } from './profile';
import { ProfilesRepository } from './profiles.repository';

export interface ProfileChangesDependencies {
  /** Profiles by name. */
  profiles: Pick<Cache, 'change'>;
  people: Pick<People, 'change'>;
  events: Pick<BusinessEvents, 'profileChanged'>;
}

/** What people change of their own profiles. */
export class ProfileChangesService {
  constructor(private readonly dependencies: ProfileChangesDependencies) {}

  async change(
    person: Person,
    change: ProfileChange,
    { write, signal }: { write: Write<Profile>; signal: AbortSignal },
  ): Promise<Profile> {
    const { profiles, people, events } = this.dependencies;
    const work = async (trx: Transaction) => {
      const repository = new ProfilesRepository(trx);
      await repository.ensure(person);
      const { wasPrivate, ...profile } = await repository.change(person.id, change);
      // There may be thousands who wait: the worker grants them, some at a time.
      if (wasPrivate && !profile.isPrivate) await new AccountJobsRepository(trx).add(person.id, 'welcome');
      trx.onCommit(() => events.profileChanged(person.id));
      return profile;
    };
    const changed = () => profiles.change([person.username], () => write(work, { signal }));
    return change.isPrivate === undefined ? changed() : people.change([person.id], changed);
  }
}
