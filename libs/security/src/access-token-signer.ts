import { createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import { calculateJwkThumbprint, exportJWK, type JWK } from 'jose';
import { accessTokenAlgorithm, accessTokenType } from './access-claims';

/** A key that signs tokens, and how the world knows it. */
export interface SigningKey {
  readonly privateKey: KeyObject;
  /** The protected header of its tokens as they begin with it, the same in all of them. */
  readonly encodedHeader: string;
  /** The public half, as it is published in the key set. */
  readonly publicJwk: JWK & { kid: string };
}

export interface TokenSignerOptions {
  /** The key that signs now; may throw where there is none. */
  key: () => SigningKey;
  issuer: string;
  audience: string;
  ttlSeconds: number;
  /** The first second in which a token for the user can be issued that is not revoked already. */
  firstGoodSecond?: (userId: string) => number;
}

export interface TokenSubject {
  userId: string;
  sessionId: string;
  username: string;
  roles: readonly string[];
  /** For a token that travels in a cookie. */
  csrf?: string | undefined;
  /** Up to when tokens of the user are revoked, as it was read together with the roles: this one is dated later. */
  revokedUpTo?: number | null | undefined;
}

export interface TokenSigner {
  sign(subject: TokenSubject): Promise<string>;
  readonly ttlSeconds: number;
}

/** Makes a key of an RSA private key, PKCS#8 in PEM. Its id is its RFC 7638 thumbprint, so that nobody has to choose it. */
export async function createSigningKey(privateKeyPem: string): Promise<SigningKey> {
  const privateKey = createPrivateKey(privateKeyPem);
  if (privateKey.asymmetricKeyType !== 'rsa') throw new Error('The signing key must be an RSA key');
  const bare = await exportJWK(createPublicKey(privateKey));
  const kid = await calculateJwkThumbprint(bare);
  const publicJwk = { ...bare, kid, alg: accessTokenAlgorithm, use: 'sig' };
  return {
    privateKey,
    publicJwk,
    encodedHeader: encode({ alg: accessTokenAlgorithm, typ: accessTokenType, kid }),
  };
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

const signInThread = promisify(sign);

/**
 * RSA's private operation takes longer than the rest of a token, and so goes to a thread of Node's pool. Where there is one
 * core alone, that thread would only take it from this one, and handing work over and back costs too.
 */
const signText: (text: string, key: KeyObject) => Buffer | Promise<Buffer> =
  availableParallelism() > 1
    ? (text, key) => signInThread('sha256', Buffer.from(text), key)
    : (text, key) => sign('sha256', Buffer.from(text), key);

/** Signs access tokens with whichever key is the one at the time. */
export function createTokenSigner(options: TokenSignerOptions): TokenSigner {
  const { key, issuer, audience, ttlSeconds, firstGoodSecond = () => 0 } = options;
  return {
    ttlSeconds,
    async sign({ userId, sessionId, username, roles, csrf, revokedUpTo }) {
      const { privateKey, encodedHeader } = key();
      const unrevoked = Math.floor((revokedUpTo ?? 0) / 1000) + 1;
      const issuedAt = Math.max(Math.floor(Date.now() / 1000), firstGoodSecond(userId), unrevoked);
      const claims = encode({
        sid: sessionId,
        preferred_username: username,
        roles,
        csrf,
        sub: userId,
        iss: issuer,
        aud: audience,
        iat: issuedAt,
        exp: issuedAt + ttlSeconds,
      });
      const signed = `${encodedHeader}.${claims}`;
      const signature = await signText(signed, privateKey);
      return `${signed}.${signature.toString('base64url')}`;
    },
  };
}

export interface SignerOptions extends Omit<TokenSignerOptions, 'key'> {
  /** An RSA private key, PKCS#8 in PEM. */
  privateKeyPem: string;
}

export interface AccessTokenSigner extends TokenSigner {
  readonly publicJwk: SigningKey['publicJwk'];
}

/** Signs access tokens with one key for good. */
export async function createAccessTokenSigner(options: SignerOptions): Promise<AccessTokenSigner> {
  const key = await createSigningKey(options.privateKeyPem);
  return { ...createTokenSigner({ ...options, key: () => key }), publicJwk: key.publicJwk };
}
