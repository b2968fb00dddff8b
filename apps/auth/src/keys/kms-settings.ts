import { httpUrl, setting } from '@rostrum/config';
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
  kmsAwsKey: setting(z.string().optional(), {
    env: 'KMS_AWS_KEY',
    doc: "aws: the key's id, ARN or alias; credentials come from the environment, the pod or the machine",
  }),
  kmsAwsRegion: setting(z.string().optional(), { env: 'KMS_AWS_REGION', doc: 'aws: the region of the key' }),
  kmsAwsEndpoint: setting(httpUrl().optional(), {
    env: 'KMS_AWS_ENDPOINT',
    doc: "aws: another address than AWS's own, such as a VPC endpoint",
  }),
  kmsVaultAddress: setting(httpUrl().optional(), {
    env: 'KMS_VAULT_ADDRESS',
    doc: 'vault: for example https://vault.internal:8200',
  }),
  kmsVaultMount: setting(z.string().default('transit'), {
    env: 'KMS_VAULT_MOUNT',
    doc: 'vault: where Transit is mounted',
  }),
  kmsVaultKey: setting(z.string().optional(), {
    env: 'KMS_VAULT_KEY',
    doc: 'vault: the name of the key, of type aes256-gcm96',
  }),
  kmsVaultNamespace: setting(z.string().optional(), {
    env: 'KMS_VAULT_NAMESPACE',
    doc: 'vault: its namespace',
  }),
  kmsVaultToken: setting(z.string().optional(), {
    env: 'KMS_VAULT_TOKEN',
    doc: 'vault: a token; with KMS_VAULT_TOKEN_PATH instead, the file of an agent is read anew each time',
    secret: true,
  }),
  kmsVaultTokenPath: setting(z.string().optional(), {
    env: 'KMS_VAULT_TOKEN_PATH',
    doc: 'vault: the file in which an agent keeps a token',
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
