import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { dataDir } from '../native/workspace.mjs';

const folder = path.join(dataDir, 'secrets');

/** Development's secrets are made once and kept, never constants; only the owner may read them. */
export function secretText(name) {
  return fs.readFileSync(
    secretFile(name, () => crypto.randomBytes(32).toString('base64url')),
    'utf8',
  );
}

/** The file of a secret; made on first use. */
export function secretFile(name, make = () => crypto.randomBytes(32).toString('base64url')) {
  const file = path.join(folder, name);
  if (fs.existsSync(file)) return file;
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}`;
  fs.writeFileSync(draft, make(), { mode: 0o600 });
  fs.renameSync(draft, file);
  return file;
}

/** The pair that signs and checks callers' identities: limits of their own for load tests. */
export function identityKeyFiles() {
  const privateFile = secretFile('caller-identity.pem', () =>
    crypto.generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }),
  );
  const publicFile = secretFile('caller-identity.pub.pem', () =>
    crypto.createPublicKey(fs.readFileSync(privateFile)).export({ type: 'spki', format: 'pem' }),
  );
  return { privateFile, publicFile };
}

/** The key that earlier versions of this project signed with, where there is one: auth begins with it. */
export function importedSigningKeyFile() {
  const file = path.join(folder, 'jwt-signing-key.pem');
  return fs.existsSync(file) ? file : '';
}

/** The master key that all keys in auth's database are encrypted under; a further line is a further version. */
export function masterKeyFile() {
  return secretFile('kms-master-keys', () => `1:${crypto.randomBytes(32).toString('base64')}\n`);
}

/** What auth's tokens, its pepper and its search for addresses come from; likewise. */
export function authSecretFile() {
  return secretFile('auth-secrets', () => `1:${crypto.randomBytes(32).toString('base64')}\n`);
}

/** The key that pushes are signed with. Browsers subscribe to its public half: another one would end them all. */
export function vapidKeyFile() {
  return secretFile(
    'vapid-private-key',
    () =>
      crypto.generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey.export({ format: 'jwk' }).d,
  );
}
