import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT } from 'jose';
import { createAccessTokenSigner, type Revocation } from '@rostrum/security';

export interface TestClaims {
  /** The user's id; a new one unless given. */
  userId?: string;
  sessionId?: string;
  username?: string;
  roles?: readonly string[];
  /** May be negative: the token has been expired for so long. */
  ttlSeconds?: number;
  /** Replaces or adds claims and header fields, to make tokens that no issuer would make. */
  claims?: Record<string, unknown>;
  header?: Record<string, unknown>;
}

export interface TestTokens {
  readonly issuer: string;
  readonly audience: string;
  /** What `JWKS_URL` should be. */
  readonly jwksUrl: string;
  /** The private key, PKCS#8 in PEM, as the auth service reads it. */
  readonly privateKeyPem: string;
  /** How often the key set has been asked for. */
  jwksRequests(): number;
  sign(claims?: TestClaims): Promise<string>;
  /** Tells all who follow its revocations, as auth does: everything of a session, a user or a key. */
  revoke(kind: Revocation['kind'], id: string): void;
  /** `Authorization: Bearer …`, as headers. */
  headers(claims?: TestClaims): Promise<{ authorization: string }>;
  close(): Promise<void>;
}

/** An issuer of access tokens of the test's own, with its key set on a server. */
export async function testTokens(): Promise<TestTokens> {
  const issuer = 'https://issuer.test';
  const audience = 'rostrum-test';
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const privateKeyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const signer = await createAccessTokenSigner({ privateKeyPem, issuer, audience, ttlSeconds: 900 });
  const revocations: Revocation[] = [];
  const keySet = await serve(
    { keys: [signer.publicJwk] },
    { keys: 'the same', cursor: 'from the start', revocations },
  );
  const { kid = '', alg = 'RS256' } = signer.publicJwk;

  const sign = ({ ttlSeconds = 900, ...given }: TestClaims = {}): Promise<string> => {
    const now = Math.floor(Date.now() / 1000);
    const payload = {
      iss: issuer,
      aud: audience,
      sub: given.userId ?? randomUUID(),
      sid: given.sessionId ?? randomUUID(),
      preferred_username: given.username ?? 'tester',
      roles: given.roles ?? ['user'],
      iat: Math.min(now, now + ttlSeconds),
      exp: now + ttlSeconds,
      ...given.claims,
    };
    return new SignJWT(payload)
      .setProtectedHeader({ alg, kid, typ: 'at+jwt', ...given.header })
      .sign(privateKey);
  };
  return {
    issuer,
    audience,
    jwksUrl: `${keySet.url}/.well-known/jwks.json`,
    privateKeyPem,
    jwksRequests: keySet.requests,
    sign,
    revoke: (kind, id) => {
      revocations.push({ kind, id, at: Date.now() + 1_000, until: Date.now() + 900_000 });
    },
    headers: async (claims) => ({ authorization: `Bearer ${await sign(claims)}` }),
    close: keySet.close,
  };
}

async function serve(keys: unknown, revocations: unknown) {
  let requests = 0;
  const server = http.createServer(({ url }, response) => {
    const asksForKeys = !url?.startsWith('/internal/revocations');
    if (asksForKeys) requests += 1;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(asksForKeys ? keys : revocations));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => requests,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
