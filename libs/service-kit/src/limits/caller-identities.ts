import { createPublicKey, type KeyObject } from 'node:crypto';
import { jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';

/** The request header that carries a caller's identity. */
export const identityHeader = 'x-caller-identity';

export const identityTokenType = 'caller-identity+jwt';
export const identityAudience = 'rostrum-limits';
const algorithm = 'EdDSA';
/** Whatever a token says, it is worth nothing after this. */
const longestLifeSeconds = 86_400;
const longestToken = 2_048;

const claims = z.object({
  sub: z.string().regex(/^[\w.:-]{1,100}$/),
  /** `load`: has a bucket of its own. `internal`: a process of the operator's own, which has no limits. */
  use: z.enum(['load', 'internal']),
  /** Requests per window, where they differ from those of everybody. */
  limits: z.object({ api: z.int().positive(), auth: z.int().positive() }).partial().optional(),
  iat: z.number(),
  exp: z.number(),
});

export interface CallerIdentity {
  name: string;
  use: 'load' | 'internal';
  limits: { api?: number | undefined; auth?: number | undefined };
  /** Milliseconds since 1970. */
  expiresAt: number;
}

/**
 * Who a caller is by a token that the operator has signed: a load test, which comes from one address and must not share
 * its bucket, or an internal process. Services have the public key only, so that none of them can make identities.
 */
export class CallerIdentities {
  private readonly key: KeyObject;
  private readonly known = new LRUCache<string, CallerIdentity>({ max: 20_000 });

  constructor(publicKeyPem: string) {
    this.key = createPublicKey(publicKeyPem);
  }

  /** The identity at once where its token has been seen before, else a promise; undefined for none that counts. */
  identify(token: string): CallerIdentity | undefined | Promise<CallerIdentity | undefined> {
    const known = this.known.get(token);
    if (known) return known.expiresAt > Date.now() ? known : undefined;
    return token.length > longestToken ? undefined : this.verify(token);
  }

  private async verify(token: string): Promise<CallerIdentity | undefined> {
    try {
      const { payload } = await jwtVerify(token, this.key, {
        algorithms: [algorithm],
        typ: identityTokenType,
        audience: identityAudience,
        requiredClaims: ['sub', 'use', 'iat', 'exp'],
        maxTokenAge: longestLifeSeconds,
      });
      const { sub, use, limits = {}, iat, exp } = claims.parse(payload);
      const expiresAt = Math.min(exp, iat + longestLifeSeconds) * 1000;
      const identity = { name: sub, use, limits, expiresAt };
      this.known.set(token, identity);
      return identity;
    } catch {
      // Not worth more than no token at all: the caller has the limits of everybody.
      return undefined;
    }
  }
}
