import { problems } from '@rostrum/errors';
import type { AccessClaims, TokenVerifier } from '@rostrum/security';
import type { Request } from 'express';

const scheme = 'Bearer ';

/** Who calls: at once where the token has been verified before, else a promise. */
export function authenticate(
  request: Request,
  tokens: TokenVerifier | undefined,
): AccessClaims | Promise<AccessClaims> {
  const { authorization } = request.headers;
  if (!tokens || authorization === undefined || !authorization.startsWith(scheme))
    throw problems.unauthorized();
  return tokens.verify(authorization.slice(scheme.length));
}
