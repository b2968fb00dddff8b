import { ConfigError, readConfig } from '@rostrum/config';
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
  expect(openKms(readConfig(kmsSettings, environment)).provider).toBe(provider);
});

it.each<[Record<string, string>, string[]]>([
  [{}, ['KMS_MASTER_KEY']],
  [{ KMS_PROVIDER: 'aws', KMS_MASTER_KEY: master }, ['KMS_AWS_KEY', 'KMS_AWS_REGION']],
  [
    { KMS_PROVIDER: 'vault' },
    ['KMS_VAULT_ADDRESS', 'KMS_VAULT_KEY', 'KMS_VAULT_TOKEN or KMS_VAULT_TOKEN_PATH'],
  ],
])('%j: says all that is missing', (environment, names) => {
  try {
    openKms(readConfig(kmsSettings, environment));
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    const { problems } = error as ConfigError;
    expect(problems.map((problem) => problem.split(' is not set')[0])).toEqual(names);
    return;
  }
  throw new Error('It was opened');
});
