import { integer, setting } from '@rostrum/config';
import { kmsSettings } from './kms-settings';
import { rsaPrivateKeyPem } from './signing-key';

/** What every process that deals with keys must know. */
export const keySettings = {
  ...kmsSettings,
  jwtSigningKey: setting(rsaPrivateKeyPem().optional(), {
    env: 'JWT_SIGNING_KEY',
    doc: 'an RSA private key to begin with, PKCS#8 in PEM; read only while there is none in the database',
    secret: true,
  }),
  jwtAccessTtl: setting(integer(1, 86_400).default(900), {
    env: 'JWT_ACCESS_TTL',
    doc: 'seconds that an access token is good for',
  }),
  jwtKeyBits: setting(integer(2048, 8192).default(2048), {
    env: 'JWT_KEY_BITS',
    doc: 'the size of the RSA keys that are made',
  }),
  jwtKeyRotationDays: setting(integer(0, 3650).default(30), {
    env: 'JWT_KEY_ROTATION_DAYS',
    doc: 'how long a key signs before the next one does; 0 leaves it to the operator',
  }),
  dataKeyRotationDays: setting(integer(0, 3650).default(90), {
    env: 'DATA_KEY_ROTATION_DAYS',
    doc: 'how long one data key encrypts what is written; 0 leaves it to the operator',
  }),
  jwksMaxAge: setting(integer(1, 86_400).default(300), {
    env: 'JWKS_MAX_AGE',
    doc: 'seconds that others may keep the published keys; a key signs when it has been published for twice as long',
  }),
};
