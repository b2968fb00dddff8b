import type { Database } from '@rostrum/data-access';
import { createPolicy } from '@rostrum/resilience';
import type { EventPublisher, Kit, RepeatedWork, Resource } from '@rostrum/service-kit';
import type { BusinessEvents } from '../business-events';
import type { Visibility } from '../visibility/open-visibility';
import { cleanImage } from './clean-image';
import { MediaDescriptionsService } from './media-descriptions.service';
import { MediaReadingService } from './media-reading.service';
import { removeMedia, type RemovalRules } from './media-removal-work';
import type { MediaStoreConfig } from './media-settings';
import { MediaRepository } from './media.repository';
import type { MediaFeature } from './media.routes';
import { MediaService } from './media.service';
import { openObjectStore } from './open-object-store';

export interface MediaParts {
  database: Database;
  visibility: Visibility;
  publisher: EventPublisher;
  events: BusinessEvents;
}

/** Pictures: how they come, and who sees them. */
export function openMedia(
  kit: Kit,
  { database, visibility, publisher, events }: MediaParts,
  config: MediaStoreConfig,
): { media: MediaFeature; resources: readonly Resource[] } {
  const { store, local, resources } = openObjectStore(kit, config);
  // Each is in memory as a whole while it is made anew. Who comes when many wait is told to come later.
  const atOnce = createPolicy({
    name: 'pictures',
    timeoutMs: 25_000,
    breaker: false,
    bulkhead: { limit: 2, queue: 32 },
  });
  const { reader, peopleReader: people, postCache: cache } = visibility;
  const rows = new MediaRepository(database);
  return {
    media: {
      media: new MediaService({ database, store, atOnce, clean: cleanImage, events }),
      descriptions: new MediaDescriptionsService({ media: rows, cache, publisher, events }),
      reading: new MediaReadingService({ media: rows, reader, people, store }),
      local,
    },
    resources,
  };
}

/** Work for the worker: what nobody uses goes, and the objects of all that has gone. */
export function openMediaRemoval(
  kit: Kit,
  database: Database,
  { store: config, ...rules }: RemovalRules & { store: MediaStoreConfig },
): { work: readonly RepeatedWork[]; resources: readonly Resource[] } {
  const { store, resources } = openObjectStore(kit, config);
  const work = config.kind === 'none' ? [] : [removeMedia(kit, { database, store }, rules)];
  return { work, resources };
}
