import { changeProfileRoute, getProfileRoute, listRelationshipsRoute } from '@rostrum/contracts';
import { isUnchanged, type ReplyOf, type RouteBinder } from '@rostrum/service-kit';
import { toProfileBody, type Profile } from './profile';
import type { ProfileChangesService } from './profile-changes.service';
import { profileEtag } from './profile-document';
import type { ProfilesService } from './profiles.service';
import { personOf } from './viewer';

export interface ProfilesFeature {
  profiles: ProfilesService;
  changes: ProfileChangesService;
}

/** The client may keep a profile, but asks whether it is still the same before it shows it again. */
const revalidated = ['Cache-Control', 'private, no-cache'];

type Changed = ReplyOf<(typeof changeProfileRoute)['responses']>;

function changed(profile: Profile): Changed {
  return {
    status: 200,
    body: toProfileBody(profile),
    headers: ['ETag', profileEtag(profile), ...revalidated],
  };
}

export function profilesRoutes(binder: RouteBinder, { profiles, changes }: ProfilesFeature): void {
  binder.bind(
    getProfileRoute,
    async (call) => {
      const { etag, body } = await profiles.read(call.user.userId, call.params.username, () => call.signal);
      const headers = ['ETag', etag, ...revalidated];
      if (isUnchanged(call.request.headers['if-none-match'], etag)) return { status: 304, headers };
      return { status: 200, raw: body, headers };
    },
    { startsWithRead: true },
  );

  binder.bind(changeProfileRoute, ({ user, body, signal, once }) =>
    once<Profile, Changed>((write) => changes.change(personOf(user), body, { write, signal }), changed),
  );

  binder.bind(listRelationshipsRoute, async ({ user, query, signal }) => {
    const ids = [...new Set(query.ids.map((id) => id.toLowerCase()))];
    return { status: 200, body: { items: await profiles.relationships(user.userId, ids, signal) } };
  });
}
