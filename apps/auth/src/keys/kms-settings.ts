import { setting } from '@rostrum/config';
import { parseMasterKeys } from '@rostrum/security';
import { z } from 'zod';

/** Who keeps the master key that all keys in the database are encrypted under. */
export const kmsSettings = {
  kmsProvider: setting(z.enum(['local', 'aws', 'vault']).default('local'), {
    env: 'KMS_PROVIDER',
    doc: 'who keeps the master key: local (KMS_MASTER_KEY), aws (AWS KMS) or vault (Vault Transit)',
  }),
  kmsMasterKeys: setting(masterKeys().optional(), {
    env: 'KMS_MASTER_KEY',
    doc: 'local: lines id:key, 32 bytes in base64 each; the last line encrypts, all of them decrypt',
    secret: true,
  }),
};

function masterKeys() {
  return z.string().transform((text, context) => {
    try {
      return parseMasterKeys(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message });
      return z.NEVER;
    }
  });
}
