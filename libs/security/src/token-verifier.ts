import { isAppError, problems } from '@rostrum/errors';
import { jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { accessClaims, accessTokenAlgorithm, accessTokenType, type AccessClaims } from './access-claims';
import type { KeySet } from './key-sets';
import { RevocationList } from './revocations/revocation-list';

export interface VerifierOptions {
  issuer: string;
  audience: string;
  keys: KeySet;
  /** What is refused though it has not expired. */
  revocations?: RevocationList;
  /** How many verified tokens are remembered. */
  remember?: number;
  /** Milliseconds since 1970; tests set it. */
  now?: () => number;
}

export interface TokenVerifier {
  /** The claims at once where the token has been verified before, else a promise of them; refusals are AppErrors. */
  verify(token: string): AccessClaims | Promise<AccessClaims>;
}

const clockToleranceSeconds = 5;
const longestToken = 8192;

/** So much of a signature's end tells tokens apart; whether it is this very token is asked of the whole of it. */
const tailLength = 43;

/** A token that has been verified, and the revocations that it was last held against. */
interface Verified {
  readonly token: string;
  readonly claims: AccessClaims;
  checkedAt: number;
}

/**
 * Verifies access tokens. RS256 costs more than all else that a request needs, so a verified token is remembered
 * until it expires. A revocation is looked up once per token and not per request.
 */
export function createTokenVerifier(options: VerifierOptions): TokenVerifier {
  const { now = Date.now, revocations = new RevocationList() } = options;
  const verified = new LRUCache<string, Verified>({ max: options.remember ?? 20_000 });

  const admit = (token: Verified): AccessClaims => {
    const { claims } = token;
    if (token.checkedAt !== revocations.version) {
      if (revocations.isRevoked(claims)) throw refusal();
      token.checkedAt = revocations.version;
    }
    if (claims.expiresAt * 1000 <= now()) throw refusal();
    return claims;
  };

  const verifyFully = async (token: string, tail: string): Promise<AccessClaims> => {
    const fresh = { token, claims: await checkSignature(token, options, now), checkedAt: -1 };
    verified.set(tail, fresh);
    return admit(fresh);
  };

  return {
    verify(token) {
      if (token.length > longestToken) throw refusal();
      const tail = token.slice(-tailLength);
      const known = verified.get(tail);
      return known !== undefined && known.token === token ? admit(known) : verifyFully(token, tail);
    },
  };
}

async function checkSignature(
  token: string,
  options: VerifierOptions,
  now: () => number,
): Promise<AccessClaims> {
  try {
    const { payload, protectedHeader } = await jwtVerify(token, options.keys, {
      algorithms: [accessTokenAlgorithm],
      typ: accessTokenType,
      issuer: options.issuer,
      audience: options.audience,
      clockTolerance: clockToleranceSeconds,
      currentDate: new Date(now()),
      requiredClaims: ['sub', 'sid', 'iat', 'exp'],
    });
    const { sub, sid, preferred_username, roles, iat, exp, csrf } = accessClaims.parse(payload);
    const times = { issuedAt: iat, expiresAt: exp };
    const keyId = String(protectedHeader.kid);
    return { userId: sub, sessionId: sid, username: preferred_username, roles, csrf, keyId, ...times };
  } catch (error) {
    // That the keys cannot be had says nothing of the token.
    throw isAppError(error) ? error : refusal(error);
  }
}

/** Every refusal looks the same: what was wrong with a token is nobody's business but the log's. */
function refusal(cause?: unknown) {
  return problems.unauthorized(undefined, cause);
}
