import { hash } from 'node:crypto';
import { problems } from '@rostrum/errors';
import { jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { accessClaims, accessTokenAlgorithm, accessTokenType, type AccessClaims } from './access-claims';
import type { KeySet } from './key-sets';

export interface VerifierOptions {
  issuer: string;
  audience: string;
  keys: KeySet;
  /** How many verified tokens are remembered. */
  remember?: number;
  /** Milliseconds since 1970; tests set it. */
  now?: () => number;
}

export interface TokenVerifier {
  /** The claims at once where the token has been verified before, else a promise of them; refusals are AppErrors. */
  verify(token: string): AccessClaims | Promise<AccessClaims>;
  /** Refuses every token of a session from now on. */
  endSession(sessionId: string): void;
}

/** Longer than any access token lives. */
const rememberEndedMs = 3_600_000;
const clockToleranceSeconds = 5;
const longestToken = 8192;

/**
 * Verifies access tokens. RS256 costs more than all else that a request needs, so a verified token is remembered,
 * by its hash, until it expires or its session ends.
 */
export function createTokenVerifier(options: VerifierOptions): TokenVerifier {
  const now = options.now ?? Date.now;
  const verified = new LRUCache<string, AccessClaims>({ max: options.remember ?? 20_000 });
  const ended = new LRUCache<string, true>({ max: 100_000, ttl: rememberEndedMs });

  const admit = (claims: AccessClaims): AccessClaims => {
    const sessionEnded = ended.size > 0 && ended.has(claims.sessionId);
    if (sessionEnded || claims.expiresAt * 1000 <= now()) throw refusal();
    return claims;
  };

  const verifyFully = async (token: string, key: string): Promise<AccessClaims> => {
    const claims = await checkSignature(token, options, now);
    verified.set(key, claims);
    return admit(claims);
  };

  return {
    verify(token) {
      if (token.length > longestToken) throw refusal();
      const key = hash('sha256', token, 'base64');
      const known = verified.get(key);
      return known ? admit(known) : verifyFully(token, key);
    },
    endSession(sessionId) {
      ended.set(sessionId, true);
    },
  };
}

async function checkSignature(
  token: string,
  options: VerifierOptions,
  now: () => number,
): Promise<AccessClaims> {
  try {
    const { payload } = await jwtVerify(token, options.keys, {
      algorithms: [accessTokenAlgorithm],
      typ: accessTokenType,
      issuer: options.issuer,
      audience: options.audience,
      clockTolerance: clockToleranceSeconds,
      currentDate: new Date(now()),
      requiredClaims: ['sub', 'sid', 'exp'],
    });
    const { sub, sid, preferred_username, roles, exp, csrf } = accessClaims.parse(payload);
    return { userId: sub, sessionId: sid, username: preferred_username, roles, expiresAt: exp, csrf };
  } catch (error) {
    throw keysUnreachable(error) ? problems.unavailable('key_set', 1, error) : refusal(error);
  }
}

/** Every refusal looks the same: what was wrong with a token is nobody's business but the log's. */
function refusal(cause?: unknown) {
  return problems.unauthorized(undefined, cause);
}

/** That the keys cannot be had says nothing of the token. */
function keysUnreachable(error: unknown): boolean {
  const { code, message } = error as { code?: string; message?: string };
  return code === 'ERR_JWKS_TIMEOUT' || code === 'ERR_JOSE_GENERIC' || message === 'fetch failed';
}
