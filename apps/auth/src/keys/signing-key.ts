import { createPrivateKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';

const smallestModulus = 2048;

/** An RSA private key that is fit to sign RS256, PKCS#8 in PEM; whatever is wrong with it is said without showing it. */
export const rsaPrivateKeyPem = () =>
  z.string().superRefine((pem, context) => {
    const problem = problemWith(pem);
    if (problem) context.addIssue({ code: 'custom', message: problem });
  });

function problemWith(pem: string): string | undefined {
  if (!pem.includes('-----BEGIN PRIVATE KEY-----'))
    return 'must be a private key, PKCS#8 in PEM, not encrypted';
  const key = parse(pem);
  if (!key) return 'must be a private key, PKCS#8 in PEM, but cannot be decoded';
  if (key.asymmetricKeyType !== 'rsa') return `must be an RSA key, not ${key.asymmetricKeyType}`;
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  return bits < smallestModulus ? `must have at least ${smallestModulus} bits, not ${bits}` : undefined;
}

function parse(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    // What OpenSSL says of it names no cause that a person could act on.
    return undefined;
  }
}
