import type { Relationship } from '@rostrum/contracts';
import type { Cache } from '@rostrum/data-access';
import { decidePerson } from '../visibility/decide';
import type { ViewerRelations } from '../visibility/viewer-relations';
import { packProfile, unpackProfile, type ProfileDocument } from './profile-document';
import { profilesErrors } from './profiles.errors';
import type { ProfilesRepository } from './profiles.repository';

export class ProfilesService {
  constructor(
    private readonly profiles: Pick<ProfilesRepository, 'findByUsername' | 'relationships'>,
    private readonly cache: Pick<Cache, 'getOrLoadBytes'>,
    private readonly relations: Pick<ViewerRelations, 'of' | 'with'>,
  ) {}

  /** The profile as JSON, ready to be sent, with its ETag. */
  async read(viewerId: string, username: string, signal: () => AbortSignal): Promise<ProfileDocument> {
    const [packed, relations] = await Promise.all([
      this.find(username, signal),
      this.relations.of(viewerId, signal),
    ]);
    if (!packed) throw profilesErrors.notFound();
    const document = unpackProfile(packed);
    const { id, isGone } = document;
    const relation = await this.relations.with({ id: viewerId, relations }, id, signal);
    const verdict = decidePerson({ isGone }, { isAuthor: id === viewerId, ...relation }, 'direct');
    if (verdict !== 'shown') throw profilesErrors.notFound();
    return document;
  }

  /** Whose name it is; whether they are there for somebody is another question. */
  async idOf(username: string, signal: () => AbortSignal): Promise<string | undefined> {
    const packed = await this.find(username, signal);
    return packed && unpackProfile(packed).id;
  }

  /** How the viewer and others are to each other, the viewer's own doing and nothing that others hide. */
  relationships(viewerId: string, ids: readonly string[], signal: AbortSignal): Promise<Relationship[]> {
    return this.profiles.relationships(viewerId, ids, { signal });
  }

  private find(username: string, signal: () => AbortSignal): Promise<Buffer | undefined> {
    const load = async (abandoned: () => AbortSignal) => {
      const profile = await this.profiles.findByUsername(username, { signal: abandoned() });
      return profile && packProfile(profile);
    };
    return this.cache.getOrLoadBytes(username, load, { signal });
  }
}
