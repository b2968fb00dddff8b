import type { Config } from '@rostrum/config';
import type { Database } from '@rostrum/data-access';
import { DataKeys, Envelope } from '@rostrum/security';
import type { Breakers } from '@rostrum/service-kit';
import { DataKeysRepository } from './data-keys.repository';
import type { kmsSettings } from './kms-settings';
import { guardKms } from './guarded-kms';
import { openKms } from './open-kms';
import { UserKeys } from './user-keys';

/** Everything that encrypts what this service keeps. */
export interface KeyVault {
  dataKeys: DataKeys;
  /** For values of the service's own, such as signing keys. */
  envelope: Envelope;
  /** For what is kept of a person, and must be forgotten with them. */
  userKeys: UserKeys;
}

/** A command has nobody to keep from waiting, and no breakers. */
export interface KeyVaultKit {
  logger: { warn(message: string, fields?: Record<string, unknown>): void };
  breakers?: Breakers | undefined;
}

export function openKeyVault(
  { breakers, logger }: KeyVaultKit,
  config: Config<typeof kmsSettings>,
  database: Database,
): KeyVault {
  const kms = openKms(config.kms);
  const dataKeys = new DataKeys({
    kms: breakers ? guardKms(kms, breakers) : kms,
    store: new DataKeysRepository(database),
    context: { service: 'auth' },
    onError: (error) => logger.warn('Whether there is a newer data key is not known', { error }),
  });
  const envelope = new Envelope(dataKeys);
  return { dataKeys, envelope, userKeys: new UserKeys(envelope) };
}
