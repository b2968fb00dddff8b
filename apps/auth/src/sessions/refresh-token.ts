import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { DerivedKey, Keyring } from '../secrets/keyring';
import { uuidBytes, uuidText } from '../secrets/uuid-bytes';

/** What a refresh token is made of: the session, which of its tokens it is, and what nobody can guess. */
export interface RefreshToken {
  sessionId: string;
  generation: number;
  secret: Buffer;
}

const idBytes = 16;
const generationBytes = 4;
const secretBytes = 32;
const macBytes = 16;
const signedBytes = idBytes + generationBytes + secretBytes;
const textLength = Math.ceil(((signedBytes + macBytes) * 4) / 3);

/**
 * Each token leads to its successor, for us alone: whoever comes with a token can be given the one that follows it,
 * although no token is kept anywhere. A token is signed, so that one of ours is known even when it is long out of use.
 */
export class RefreshTokens {
  private readonly keys: readonly DerivedKey[];
  private readonly hashKeys: readonly DerivedKey[];

  constructor(keyring: Keyring) {
    this.keys = keyring.keysFor('refresh token').all;
    this.hashKeys = keyring.keysFor('refresh token hash').all;
  }

  first(sessionId: string): RefreshToken {
    return { sessionId, generation: 0, secret: randomBytes(secretBytes) };
  }

  /** The successors that this token may have been given, under each of our keys; the first one is what it would get now. */
  successors(token: RefreshToken): RefreshToken[] {
    const { sessionId, generation } = token;
    return this.keys.map(({ key }) => ({
      sessionId,
      generation: generation + 1,
      secret: createHmac('sha256', key).update('successor').update(signedPart(token)).digest(),
    }));
  }

  /** What is stored of a token, under each of our keys; the first one is what is stored now. */
  hashes(token: RefreshToken): Buffer[] {
    const bytes = signedPart(token);
    return this.hashKeys.map(({ key }) => createHmac('sha256', key).update(bytes).digest());
  }

  write(token: RefreshToken): string {
    const bytes = signedPart(token);
    const [newest] = this.keys as readonly [DerivedKey];
    return Buffer.concat([bytes, macOf(newest, bytes)]).toString('base64url');
  }

  /** Undefined where we have not written this. */
  read(text: string): RefreshToken | undefined {
    if (text.length !== textLength) return undefined;
    const bytes = Buffer.from(text, 'base64url');
    const signed = bytes.subarray(0, signedBytes);
    const mac = bytes.subarray(signedBytes);
    // There is one way to write these bytes; another one would be the same token for us and not for a client.
    if (mac.length !== macBytes || bytes.toString('base64url') !== text) return undefined;
    if (!this.keys.some((key) => timingSafeEqual(macOf(key, signed), mac))) return undefined;
    return {
      sessionId: uuidText(signed.subarray(0, idBytes)),
      generation: signed.readUInt32BE(idBytes),
      secret: signed.subarray(idBytes + generationBytes),
    };
  }
}

function signedPart({ sessionId, generation, secret }: RefreshToken): Buffer {
  const bytes = Buffer.alloc(signedBytes);
  uuidBytes(sessionId).copy(bytes);
  bytes.writeUInt32BE(generation, idBytes);
  secret.copy(bytes, idBytes + generationBytes);
  return bytes;
}

function macOf({ key }: DerivedKey, signed: Buffer): Buffer {
  return createHmac('sha256', key).update('token').update(signed).digest().subarray(0, macBytes);
}
