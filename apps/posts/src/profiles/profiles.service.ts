import type { Cache } from '@rostrum/data-access';
import { toProfileBody } from './profile';
import { profilesErrors } from './profiles.errors';
import type { ProfilesRepository } from './profiles.repository';

export class ProfilesService {
  constructor(
    private readonly profiles: Pick<ProfilesRepository, 'findByUsername'>,
    private readonly cache: Pick<Cache, 'getOrLoadBytes'>,
  ) {}

  /** The profile as JSON, ready to be sent. */
  async read(username: string, signal: () => AbortSignal): Promise<Buffer> {
    const load = async (abandoned: AbortSignal) => {
      const profile = await this.profiles.findByUsername(username, { signal: abandoned });
      return profile && JSON.stringify(toProfileBody(profile));
    };
    const json = await this.cache.getOrLoadBytes(username, load, { signal });
    if (!json) throw profilesErrors.notFound();
    return json;
  }
}
