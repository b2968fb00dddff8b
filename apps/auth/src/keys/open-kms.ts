import { ConfigError, type Config } from '@rostrum/config';
import { createLocalKms, type Kms } from '@rostrum/security';
import type { kmsSettings } from './kms-settings';

/** The keeper of the master key that the settings name. */
export function openKms({ kmsProvider, kmsMasterKeys }: Config<typeof kmsSettings>): Kms {
  if (kmsProvider !== 'local') throw new ConfigError([`KMS_PROVIDER ${kmsProvider} is not known here`]);
  if (!kmsMasterKeys) throw new ConfigError(['KMS_MASTER_KEY is not set, which KMS_PROVIDER=local needs']);
  return createLocalKms(kmsMasterKeys);
}
