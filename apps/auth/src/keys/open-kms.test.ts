import { readConfig, type ConfigError } from '@rostrum/config';
import { kmsSettings } from './kms-settings';
import { openKms } from './open-kms';

const master = `1:${Buffer.alloc(32, 7).toString('base64')}`;
const vault = { KMS_PROVIDER: 'vault', KMS_VAULT_ADDRESS: 'https://vault.test', KMS_VAULT_KEY: 'rostrum' };

it.each<[string, Record<string, string>]>([
  ['local', { KMS_MASTER_KEY: master }],
  ['aws', { KMS_PROVIDER: 'aws', KMS_AWS_KEY: 'alias/rostrum', KMS_AWS_REGION: 'eu-central-1' }],
  ['vault', { ...vault, KMS_VAULT_TOKEN: 'x' }],
  ['vault', { ...vault, KMS_VAULT_TOKEN_PATH: '/run/vault/token' }],
])('opens %s by its settings', (provider, environment) => {
  expect(openKms(readConfig(kmsSettings, environment).kms).provider).toBe(provider);
});

it.each<[Record<string, string>, string]>([
  [{}, 'KMS_PROVIDER=local needs KMS_MASTER_KEY'],
  [{ KMS_PROVIDER: 'aws', KMS_MASTER_KEY: master }, 'KMS_PROVIDER=aws needs KMS_AWS_KEY, KMS_AWS_REGION'],
  [
    { KMS_PROVIDER: 'vault' },
    'KMS_PROVIDER=vault needs KMS_VAULT_ADDRESS, KMS_VAULT_KEY, KMS_VAULT_TOKEN or KMS_VAULT_TOKEN_PATH',
  ],
])('%j: says all that is missing', (environment, problem) => {
  let problems: readonly string[] = [];
  try {
    readConfig(kmsSettings, environment);
  } catch (error) {
    problems = (error as ConfigError).problems;
  }
  expect(problems).toEqual([expect.stringContaining(problem)]);
});
