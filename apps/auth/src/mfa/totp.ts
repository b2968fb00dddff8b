import { generateSecret, generateURI, verifySync } from 'otplib';

const stepSeconds = 30;
const secretBytes = 20;

/** A new secret, in the letters that apps take. */
export function newTotpSecret(): string {
  return generateSecret({ length: secretBytes });
}

/** The secret as an address for a QR code. */
export function totpUri({ issuer, username, secret }: Record<'issuer' | 'username' | 'secret', string>) {
  return generateURI({ issuer, label: username, secret });
}

/** The half-minute that a code is for: this one, the one before or the next; undefined where it is none of them. */
export function stepOfCode(secret: string, code: string, now = Date.now()): number | undefined {
  const epoch = Math.floor(now / 1000);
  const result = verifySync({ secret, token: code, epoch, epochTolerance: stepSeconds });
  return result.valid ? Math.floor(epoch / stepSeconds) + result.delta : undefined;
}
