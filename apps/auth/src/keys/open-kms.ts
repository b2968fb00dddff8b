import { createAwsKms, createLocalKms, createVaultKms, type Kms } from '@rostrum/security';
import type { KmsChoice } from './kms-settings';

/** The keeper of the master key that the settings name. */
export function openKms(choice: KmsChoice): Kms {
  switch (choice.provider) {
    case 'local':
      return createLocalKms(choice.keys);
    case 'aws':
      return createAwsKms(choice);
    case 'vault':
      return createVaultKms(choice);
  }
}
