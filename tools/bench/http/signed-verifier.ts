import { generateKeyPairSync, randomUUID } from 'node:crypto';
import {
  createAccessTokenSigner,
  createTokenVerifier,
  localKeySet,
  type TokenVerifier,
} from '@rostrum/security';

const issuer = 'https://bench.test';
const audience = 'rostrum';

/** A verifier with a key of its own, and a token that it takes. */
export async function signedVerifier(): Promise<{ verifier: TokenVerifier; token: string }> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const privateKeyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const signer = await createAccessTokenSigner({ privateKeyPem, issuer, audience, ttlSeconds: 3600 });
  return {
    verifier: createTokenVerifier({ issuer, audience, keys: localKeySet({ keys: [signer.publicJwk] }) }),
    token: await signer.sign({
      userId: randomUUID(),
      sessionId: randomUUID(),
      username: 'ada',
      roles: ['user'],
    }),
  };
}
