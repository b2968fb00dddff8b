import { openHttpClient, type Kit, type Resource } from '@rostrum/service-kit';
import { mostMediaBytes } from '@rostrum/contracts';
import { LocalObjectStore } from './local-object-store';
import { mediaErrors } from './media.errors';
import type { MediaStoreConfig } from './media-settings';
import type { ObjectStore } from './object-store';
import { mediaStoreName, S3ObjectStore } from './s3-object-store';

export interface OpenObjectStore {
  store: ObjectStore;
  /** Where it is a folder of this process's. */
  local?: LocalObjectStore;
  resources: readonly Resource[];
}

/** The store that is configured; behind HTTP with a deadline, tries, a breaker and a bound on what is under way. */
export function openObjectStore(kit: Kit, config: MediaStoreConfig): OpenObjectStore {
  if (config.kind === 'none') return { store: noStore, resources: [] };
  if (config.kind === 'folder') {
    const local = new LocalObjectStore(config.folder, config.secret, config.mostBytes);
    return { store: local, local, resources: [] };
  }
  const { client, resource } = openHttpClient(kit, {
    name: mediaStoreName,
    whenOpen: 'posts are read and written without their pictures; what is to be removed waits',
    origin: new URL(config.bucketUrl).origin,
    attemptTimeoutMs: 8_000,
    timeoutMs: 20_000,
    retries: 2,
    maxBytes: mostMediaBytes + 1,
    bulkhead: { limit: 8, queue: 64 },
  });
  return { store: new S3ObjectStore(config, client), resources: [resource] };
}

const refuse = () => Promise.reject(mediaErrors.noStore());

const noStore: ObjectStore = {
  uploadUrl: refuse,
  downloadUrl: refuse,
  read: refuse,
  write: refuse,
  remove: refuse,
};
