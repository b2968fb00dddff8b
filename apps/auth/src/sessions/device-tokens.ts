import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { DerivedKey, Keyring } from '../secrets/keyring';
import { uuidBytes, uuidText } from '../secrets/uuid-bytes';

const deviceBytes = 16;
const userBytes = 16;
const dayBytes = 4;
const macBytes = 16;
const signedBytes = deviceBytes + userBytes + dayBytes;
const msPerDay = 86_400_000;
const goodForDays = 365;

/** A device that somebody has signed in on. */
export interface KnownDevice {
  id: string;
  userId: string;
}

/** Tokens by which a device is known again. They let nobody in; they only keep strangers' guesses from counting. */
export class DeviceTokens {
  private readonly keys: readonly DerivedKey[];

  constructor(
    keyring: Keyring,
    private readonly now: () => number = Date.now,
  ) {
    this.keys = keyring.keysFor('device token').all;
  }

  /** A token for this person on the device that is known, or on a new one. */
  issue(userId: string, known: KnownDevice | undefined): string {
    const bytes = Buffer.alloc(signedBytes);
    (known ? Buffer.from(known.id, 'hex') : randomBytes(deviceBytes)).copy(bytes);
    uuidBytes(userId).copy(bytes, deviceBytes);
    bytes.writeUInt32BE(this.today(), deviceBytes + userBytes);
    const [newest] = this.keys as readonly [DerivedKey];
    return Buffer.concat([bytes, macOf(newest, bytes)]).toString('base64url');
  }

  /** Undefined where we have not issued this, or long ago. */
  read(text: string | undefined): KnownDevice | undefined {
    const bytes = Buffer.from(text ?? '', 'base64url');
    if (bytes.length !== signedBytes + macBytes) return undefined;
    const signed = bytes.subarray(0, signedBytes);
    const mac = bytes.subarray(signedBytes);
    if (!this.keys.some((key) => timingSafeEqual(macOf(key, signed), mac))) return undefined;
    if (this.today() - signed.readUInt32BE(deviceBytes + userBytes) > goodForDays) return undefined;
    return {
      id: signed.subarray(0, deviceBytes).toString('hex'),
      userId: uuidText(signed.subarray(deviceBytes, deviceBytes + userBytes)),
    };
  }

  private today(): number {
    return Math.floor(this.now() / msPerDay);
  }
}

function macOf({ key }: DerivedKey, signed: Buffer): Buffer {
  return createHmac('sha256', key).update(signed).digest().subarray(0, macBytes);
}
