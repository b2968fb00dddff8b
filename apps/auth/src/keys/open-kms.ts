import { ConfigError, type Config } from '@rostrum/config';
import { createAwsKms, createLocalKms, createVaultKms, type Kms } from '@rostrum/security';
import type { kmsSettings } from './kms-settings';

type KmsConfig = Config<typeof kmsSettings>;

/** The keeper of the master key that the settings name. */
export function openKms(config: KmsConfig): Kms {
  const missing: string[] = [];
  const need = <Value>(value: Value | undefined, name: string): Value => {
    if (value === undefined)
      missing.push(`${name} is not set, which KMS_PROVIDER=${config.kmsProvider} needs`);
    return value as Value;
  };
  const kms = open(config, need);
  if (missing.length > 0) throw new ConfigError(missing);
  return kms();
}

type Need = <Value>(value: Value | undefined, name: string) => Value;

/** Says what is missing at once, and opens later: nothing is made of settings that are not there. */
function open(config: KmsConfig, need: Need): () => Kms {
  switch (config.kmsProvider) {
    case 'local': {
      const keys = need(config.kmsMasterKeys, 'KMS_MASTER_KEY');
      return () => createLocalKms(keys);
    }
    case 'aws': {
      const keyId = need(config.kmsAwsKey, 'KMS_AWS_KEY');
      const region = need(config.kmsAwsRegion, 'KMS_AWS_REGION');
      return () => createAwsKms({ keyId, region, endpoint: config.kmsAwsEndpoint });
    }
    case 'vault': {
      const address = need(config.kmsVaultAddress, 'KMS_VAULT_ADDRESS');
      const key = need(config.kmsVaultKey, 'KMS_VAULT_KEY');
      const { kmsVaultToken: text, kmsVaultTokenPath: file, kmsVaultMount: mount } = config;
      const secret = need(file ?? text, 'KMS_VAULT_TOKEN or KMS_VAULT_TOKEN_PATH');
      const token = file === undefined ? { text: secret } : { file: secret };
      return () => createVaultKms({ address, mount, key, token, namespace: config.kmsVaultNamespace });
    }
  }
}
