import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { parseMasterKeys, type MasterKeys } from '@rostrum/security';
import { z } from 'zod';

const derivedBytes = 32;

/** What keys are derived for. Two purposes have nothing to do with each other, although one secret is behind both. */
export type KeyPurpose =
  | 'refresh token'
  | 'refresh token hash'
  | 'csrf token'
  | 'device token'
  | 'mailed token'
  | 'password pepper'
  | 'email index'
  | 'retired username'
  | 'cached account'
  | 'kept answer'
  | 'attempts'
  | 'recovery code'
  | 'identity'
  | 'list cursor';

export interface DerivedKey {
  id: string;
  /** For `createHmac`: with the bare bytes, Node makes a key anew each time, which costs six times as much as the rest. */
  key: KeyObject;
  bytes: Buffer;
}

/** All keys of one purpose: the current one makes what is new, each of them still verifies. */
export interface DerivedKeys {
  current: DerivedKey;
  /** The current one first. */
  all: readonly DerivedKey[];
}

/** The service's secret in all its versions, never used itself: each purpose has keys derived from it. */
export class Keyring {
  constructor(private readonly secrets: MasterKeys) {}

  keysFor(purpose: KeyPurpose): DerivedKeys {
    const { current, byId } = this.secrets;
    const others = [...byId].filter(([id]) => id !== current.id).reverse();
    const derive = (id: string, secret: Buffer) => {
      const bytes = deriveKey(secret, purpose);
      return { id, key: createSecretKey(bytes), bytes };
    };
    const newest = derive(current.id, current.key);
    return { current: newest, all: [newest, ...others.map(([id, secret]) => derive(id, secret))] };
  }
}

function deriveKey(secret: Buffer, purpose: KeyPurpose): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `rostrum auth ${purpose}`, derivedBytes));
}

/** The format of the setting: lines `id:key`, as master keys have it. */
export function secretLines() {
  return z.string().transform((text, context) => {
    try {
      return parseMasterKeys(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message });
      return z.NEVER;
    }
  });
}
