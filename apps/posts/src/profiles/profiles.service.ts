import type { Cache } from '@rostrum/data-access';
import { decidePerson } from '../visibility/decide';
import type { ViewerRelations } from '../visibility/viewer-relations';
import { packProfile, unpackProfile } from './profile-document';
import { profilesErrors } from './profiles.errors';
import type { ProfilesRepository } from './profiles.repository';

export class ProfilesService {
  constructor(
    private readonly profiles: Pick<ProfilesRepository, 'findByUsername'>,
    private readonly cache: Pick<Cache, 'getOrLoadBytes'>,
    private readonly relations: Pick<ViewerRelations, 'of' | 'with'>,
  ) {}

  /** The profile as JSON, ready to be sent. */
  async read(viewerId: string, username: string, signal: () => AbortSignal): Promise<Buffer> {
    const load = async (abandoned: AbortSignal) => {
      const profile = await this.profiles.findByUsername(username, { signal: abandoned });
      return profile && packProfile(profile);
    };
    const [packed, relations] = await Promise.all([
      this.cache.getOrLoadBytes(username, load, { signal }),
      this.relations.of(viewerId, signal),
    ]);
    if (!packed) throw profilesErrors.notFound();
    const { id, isGone, body } = unpackProfile(packed);
    const relation = await this.relations.with({ id: viewerId, relations }, id, signal);
    const verdict = decidePerson({ isGone }, { isAuthor: id === viewerId, ...relation }, 'direct');
    if (verdict !== 'shown') throw profilesErrors.notFound();
    return body;
  }
}
