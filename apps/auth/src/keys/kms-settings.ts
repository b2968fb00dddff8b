import { derived, httpUrl, setting, type Config } from '@rostrum/config';
import {
  parseMasterKeys,
  type AwsKmsOptions,
  type MasterKeys,
  type VaultKmsOptions,
} from '@rostrum/security';
import { z } from 'zod';

const given = {
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

/** Who keeps the master key, with all that is needed to ask them. */
export type KmsChoice =
  | { provider: 'local'; keys: MasterKeys }
  | ({ provider: 'aws' } & Pick<AwsKmsOptions, 'keyId' | 'region' | 'endpoint'>)
  | ({ provider: 'vault' } & Pick<VaultKmsOptions, 'address' | 'mount' | 'key' | 'token' | 'namespace'>);

/** Who keeps the master key that all keys in the database are encrypted under. */
export const kmsSettings = { ...given, kms: derived(given, chooseKms) };

function chooseKms(config: Config<typeof given>): KmsChoice {
  const { kmsProvider: provider } = config;
  const missing: string[] = [];
  const need = <Value>(value: Value | undefined, name: string): Value => {
    if (value === undefined) missing.push(name);
    return value as Value;
  };
  const choice = choiceOf(config, need);
  if (missing.length > 0) throw new Error(`KMS_PROVIDER=${provider} needs ${missing.join(', ')}`);
  return choice;
}

type Need = <Value>(value: Value | undefined, name: string) => Value;

function choiceOf(config: Config<typeof given>, need: Need): KmsChoice {
  switch (config.kmsProvider) {
    case 'local':
      return { provider: 'local', keys: need(config.kmsMasterKeys, 'KMS_MASTER_KEY') };
    case 'aws':
      return {
        provider: 'aws',
        keyId: need(config.kmsAwsKey, 'KMS_AWS_KEY'),
        region: need(config.kmsAwsRegion, 'KMS_AWS_REGION'),
        endpoint: config.kmsAwsEndpoint,
      };
    case 'vault':
      return {
        provider: 'vault',
        address: need(config.kmsVaultAddress, 'KMS_VAULT_ADDRESS'),
        key: need(config.kmsVaultKey, 'KMS_VAULT_KEY'),
        mount: config.kmsVaultMount,
        token: tokenOf(config, need),
        namespace: config.kmsVaultNamespace,
      };
  }
}

function tokenOf(
  { kmsVaultToken, kmsVaultTokenPath }: Config<typeof given>,
  need: Need,
): VaultKmsOptions['token'] {
  if (kmsVaultTokenPath !== undefined) return { file: kmsVaultTokenPath };
  return { text: need(kmsVaultToken, 'KMS_VAULT_TOKEN or KMS_VAULT_TOKEN_PATH') };
}

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
