import { createCipheriv, createDecipheriv, createSecretKey, randomBytes, type KeyObject } from 'node:crypto';

export const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

/** AES-256-GCM as `nonce | ciphertext | tag`, bound to `about`: under any other `about` it cannot be opened. */
export function encryptBytes(key: Buffer, plain: Buffer, about: Buffer): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', keyObjectOf(key), nonce).setAAD(about);
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** Throws where a single bit of what was encrypted, of the key or of `about` is another one. */
export function decryptBytes(key: Buffer, sealed: Buffer, about: Buffer): Buffer {
  if (sealed.length < nonceBytes + tagBytes) throw new Error('This is too short to have been encrypted here');
  const body = sealed.subarray(nonceBytes, sealed.length - tagBytes);
  const decipher = createDecipheriv('aes-256-gcm', keyObjectOf(key), sealed.subarray(0, nonceBytes))
    .setAAD(about)
    .setAuthTag(sealed.subarray(sealed.length - tagBytes));
  return Buffer.concat([decipher.update(body), decipher.final()]);
}

const keyObjects = new WeakMap<Buffer, KeyObject>();

/** Node makes a key of bare bytes anew at each use, which costs three times as much as the encryption of a short text. */
function keyObjectOf(key: Buffer): KeyObject {
  let object = keyObjects.get(key);
  if (!object) {
    object = createSecretKey(key);
    keyObjects.set(key, object);
  }
  return object;
}

/** One byte string for a list of texts; the lengths keep `['ab', 'c']` and `['a', 'bc']` apart. */
export function bindTexts(...texts: readonly string[]): Buffer {
  return Buffer.concat(
    texts.flatMap((text) => {
      const bytes = Buffer.from(text);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
}
