import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { rsaPrivateKeyPem } from './signing-key';

const pkcs8 = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString();
const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength }).privateKey;
const complaint = (pem: string) => rsaPrivateKeyPem().safeParse(pem).error?.issues[0]?.message;

it('takes an RSA key of 2048 bits', () => {
  const pem = pkcs8(rsa(2048));
  expect(rsaPrivateKeyPem().parse(pem)).toBe(pem);
});

it.each<[string, () => string, RegExp]>([
  ['too short a key', () => pkcs8(rsa(1024)), /at least 2048 bits, not 1024/],
  [
    'a key of another kind',
    () => pkcs8(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey),
    /an RSA key, not ec/,
  ],
  [
    'an RSA-PSS key',
    () => pkcs8(generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey),
    /an RSA key, not rsa-pss/,
  ],
  [
    'a public key',
    () =>
      generateKeyPairSync('rsa', { modulusLength: 2048 })
        .publicKey.export({ type: 'spki', format: 'pem' })
        .toString(),
    /PKCS#8/,
  ],
  ['another wrapping', () => rsa(2048).export({ type: 'pkcs1', format: 'pem' }).toString(), /PKCS#8/],
  [
    'an encrypted key',
    () =>
      rsa(2048)
        .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'hunter2' })
        .toString(),
    /not encrypted/,
  ],
  ['a damaged key', () => pkcs8(rsa(2048)).replace(/\n.{20}/, '\n'), /cannot be decoded/],
  ['no key at all', () => 'hunter2hunter2', /PKCS#8/],
])('refuses %s, and says why without showing it', (_, make, why) => {
  const pem = make();
  const message = complaint(pem);
  expect(message).toMatch(why);
  expect(message).not.toContain('hunter2');
  expect(message).not.toContain(pem.split('\n')[1]?.slice(0, 20) ?? pem);
});
