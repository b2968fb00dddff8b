import { createHmac, timingSafeEqual } from 'node:crypto';
import type { MediaType } from '@rostrum/contracts';
import { isObjectKey } from './media';

/** What a URL of the embedded store is good for. */
export interface Grant {
  may: 'put' | 'get';
  key: string;
  type: MediaType;
  bytes?: number;
  fileName?: string;
  /** When it ends, in milliseconds. */
  until: number;
}

const macBytes = 32;

/** Texts that only we can make, and that hold what whoever has them may do. */
export class SignedGrants {
  constructor(
    private readonly secret: string,
    private readonly now: () => number = Date.now,
  ) {}

  sign(grant: Grant): string {
    const bytes = Buffer.from(JSON.stringify(grant));
    return Buffer.concat([this.mac(bytes), bytes]).toString('base64url');
  }

  /** Undefined where it is not one of ours, not for this, or not any more. */
  open(text: string, may: Grant['may']): Grant | undefined {
    const bytes = Buffer.from(text, 'base64url');
    const signed = bytes.subarray(macBytes);
    // Spellings that decode to the same are refused: each grant has one.
    if (bytes.length <= macBytes || bytes.toString('base64url') !== text) return undefined;
    if (!timingSafeEqual(bytes.subarray(0, macBytes), this.mac(signed))) return undefined;
    const grant = JSON.parse(signed.toString()) as Grant;
    return grant.may === may && grant.until > this.now() && isObjectKey(grant.key) ? grant : undefined;
  }

  private mac(bytes: Buffer): Buffer {
    return createHmac('sha256', this.secret).update('media-object\n').update(bytes).digest();
  }
}
