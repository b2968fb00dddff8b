import { bindTexts, decryptBytes, encryptBytes } from './aes-gcm';
import { contextEntries, KmsError, type KeyContext, type Kms } from './kms';
import type { MasterKeys } from './master-keys';

/**
 * Master keys at hand: for development, and where the file itself is protected (a mounted secret). Whoever reads the
 * file and the database reads everything, so production prefers a keeper that only answers.
 */
export function createLocalKms({ current, byId }: MasterKeys): Kms {
  return {
    provider: 'local',
    wrap: async (key, context) => ({
      masterKeyId: current.id,
      bytes: encryptBytes(current.key, key, aboutKey(current.id, context)),
    }),
    unwrap: async ({ masterKeyId, bytes }, context) => {
      const key = byId.get(masterKeyId);
      if (!key) throw new KmsError('refused', `There is no master key "${masterKeyId}" here`);
      try {
        return decryptBytes(key, bytes, aboutKey(masterKeyId, context));
      } catch (error) {
        throw new KmsError('refused', 'The wrapped key is not what the master key has wrapped', error);
      }
    },
  };
}

function aboutKey(masterKeyId: string, context: KeyContext): Buffer {
  return bindTexts('rostrum.data-key', masterKeyId, ...contextEntries(context).flat());
}
