import { createPrivateKey, createPublicKey } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, SignJWT, type JWK } from 'jose';
import { accessTokenAlgorithm, accessTokenType } from './access-claims';

export interface SignerOptions {
  /** An RSA private key, PKCS#8 in PEM. */
  privateKeyPem: string;
  issuer: string;
  audience: string;
  ttlSeconds: number;
}

export interface TokenSubject {
  userId: string;
  sessionId: string;
  username: string;
  roles: readonly string[];
  /** For a token that travels in a cookie. */
  csrf?: string | undefined;
}

export interface AccessTokenSigner {
  sign(subject: TokenSubject): Promise<string>;
  /** The public half, as it is published in the key set. */
  readonly publicJwk: JWK;
  readonly ttlSeconds: number;
}

/** Signs access tokens; the key's id is its RFC 7638 thumbprint, so that it never has to be chosen. */
export async function createAccessTokenSigner(options: SignerOptions): Promise<AccessTokenSigner> {
  const privateKey = createPrivateKey(options.privateKeyPem);
  if (privateKey.asymmetricKeyType !== 'rsa') throw new Error('The signing key must be an RSA key');
  const bare = await exportJWK(createPublicKey(privateKey));
  const kid = await calculateJwkThumbprint(bare);
  return {
    publicJwk: { ...bare, kid, alg: accessTokenAlgorithm, use: 'sig' },
    ttlSeconds: options.ttlSeconds,
    sign: ({ userId, sessionId, username, roles, csrf }) =>
      new SignJWT({
        sid: sessionId,
        preferred_username: username,
        roles,
        ...(csrf !== undefined && { csrf }),
      })
        .setProtectedHeader({ alg: accessTokenAlgorithm, typ: accessTokenType, kid })
        .setSubject(userId)
        .setIssuer(options.issuer)
        .setAudience(options.audience)
        .setIssuedAt()
        .setExpirationTime(`${options.ttlSeconds} s`)
        .sign(privateKey),
  };
}
