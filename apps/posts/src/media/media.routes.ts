import {
  completeMediaRoute,
  createMediaRoute,
  describeMediaRoute,
  getMediaRoute,
  listMediaRoute,
  type MediaUpload,
  type PostMedia,
} from '@rostrum/contracts';
import { mayDo, type AccessClaims } from '@rostrum/security';
import type { RouteBinder } from '@rostrum/service-kit';
import { personOf } from '../profiles/viewer';
import type { HowToShow } from '../visibility/post-reader';
import type { LocalObjectStore } from './local-object-store';
import { localObjectRoutes } from './local-objects.routes';
import { toPostMedia, type Media } from './media';
import type { MediaDescriptionsService } from './media-descriptions.service';
import type { MediaReadingService } from './media-reading.service';
import type { MediaService } from './media.service';

export interface MediaFeature {
  media: MediaService;
  descriptions: MediaDescriptionsService;
  reading: MediaReadingService;
  /** Where the bytes are in a folder of this process. */
  local: LocalObjectStore | undefined;
}

/** Moderators see the pictures of what they decide about, also when it is hidden. */
function howFor(call: { user: Pick<AccessClaims, 'roles'>; signal: AbortSignal }): HowToShow {
  const place = mayDo(call.user.roles, 'content.moderate') ? 'moderation' : 'direct';
  return { place, signal: () => call.signal };
}

const created = (body: MediaUpload): { status: 201; body: MediaUpload } => ({ status: 201, body });

const asItIs = (media: Media): { status: 200; body: PostMedia } => ({
  status: 200,
  body: toPostMedia(media),
});

export function mediaRoutes(
  binder: RouteBinder,
  { media, descriptions, reading, local }: MediaFeature,
): void {
  binder.bind(createMediaRoute, ({ user, body, once }) =>
    once((write) => media.create(personOf(user), body, write), created),
  );

  binder.bind(completeMediaRoute, ({ user, params, signal, once }) =>
    once((write) => media.complete(user.userId, params.id.toLowerCase(), { write, signal }), asItIs),
  );

  binder.bind(describeMediaRoute, ({ user, params, body, signal, once }) => {
    const description = { id: params.id.toLowerCase(), alt: body.alt ?? '' };
    return once((write) => descriptions.describe(user.userId, description, { write, signal }), asItIs);
  });

  binder.bind(listMediaRoute, async (call) => {
    const ids = [...new Set(call.query.ids.map((id) => id.toLowerCase()))];
    const items = await reading.urlsOf(call.user.userId, ids, howFor(call));
    return { status: 200, body: { items } };
  });

  binder.bind(getMediaRoute, async (call) => {
    const url = await reading.urlOf(call.user.userId, call.params.id.toLowerCase(), howFor(call));
    return { status: 307, headers: ['Location', url] };
  });

  if (local) localObjectRoutes(binder, local);
}
