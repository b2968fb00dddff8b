import type { Profile } from './profile';
import { profilesErrors } from './profiles.errors';
import type { ProfilesRepository } from './profiles.repository';

export class ProfilesService {
  constructor(private readonly profiles: Pick<ProfilesRepository, 'findByUsername'>) {}

  async read(username: string): Promise<Profile> {
    const profile = await this.profiles.findByUsername(username);
    if (!profile) throw profilesErrors.notFound();
    return profile;
  }
}
