import type { Profile } from './profile';
import { profilesErrors } from './profiles.errors';
import type { ProfilesRepository } from './profiles.repository';

export class ProfilesService {
  constructor(private readonly profiles: Pick<ProfilesRepository, 'findByUsername'>) {}

  async read(username: string, signal: AbortSignal): Promise<Profile> {
    const profile = await this.profiles.findByUsername(username, { signal });
    if (!profile) throw profilesErrors.notFound();
    return profile;
  }
}
