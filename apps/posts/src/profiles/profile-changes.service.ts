import { profileVisibilityChanged, type ProfileChange } from '@rostrum/contracts';
import type { Cache, Transaction } from '@rostrum/data-access';
import type { EventPublisher, Write } from '@rostrum/service-kit';
import type { BusinessEvents } from '../business-events';
import { useAsAvatar } from '../media/media-picker';
import { AccountJobsRepository } from '../purge/account-jobs.repository';
import type { People } from '../visibility/people';
import type { Person, Profile } from './profile';
import { ProfilesRepository } from './profiles.repository';

export interface ProfileChangesDependencies {
  /** Profiles by name. */
  profiles: Pick<Cache, 'change'>;
  people: Pick<People, 'change'>;
  publisher: EventPublisher;
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
      if (change.avatarId !== undefined) await useAsAvatar(trx, person.id, change.avatarId);
      if (wasPrivate !== profile.isPrivate) await this.tell(trx, profile);
      // There may be thousands who wait: the worker grants them, some at a time.
      if (wasPrivate && !profile.isPrivate) await new AccountJobsRepository(trx).add(person.id, 'welcome');
      trx.onCommit(() => events.profileChanged(person.id));
      return profile;
    };
    const changed = () => profiles.change([person.username], () => write(work, { signal }));
    return change.isPrivate === undefined ? changed() : people.change([person.id], changed);
  }
  /** By then what caches hold of it is not believed any more: the change is made around that. */
  private async tell(trx: Transaction, { id: userId, isPrivate, isGone }: Profile): Promise<void> {
    const payload = { userId, isPrivate, isGone, changedAt: new Date().toISOString() };
    await this.dependencies.publisher.publish(trx, profileVisibilityChanged, { key: userId, payload });
  }
}
