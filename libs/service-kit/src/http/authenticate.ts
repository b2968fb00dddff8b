import { authCookies } from '@rostrum/contracts';
import { problems } from '@rostrum/errors';
import type { AccessClaims, TokenVerifier } from '@rostrum/security';
import type { Request } from 'express';
import { assertCsrfToken, assertFromOwnPage, isHarmless, readCookie } from './cookie-session';

const scheme = 'Bearer ';

export interface AuthenticationOptions {
  tokens?: TokenVerifier | undefined;
  /** The origins of web pages, besides the service's own, that may use its cookies. */
  allowedOrigins?: readonly string[] | undefined;
}

/** Who calls: at once where the token has been verified before, else a promise. */
export function authenticate(
  request: Request,
  options: AuthenticationOptions,
): AccessClaims | Promise<AccessClaims> {
  const { tokens } = options;
  const { authorization } = request.headers;
  if (!tokens) throw problems.unauthorized();
  if (authorization === undefined) return authenticateByCookie(request, tokens, options);
  if (!authorization.startsWith(scheme)) throw problems.unauthorized();
  return tokens.verify(authorization.slice(scheme.length));
}

/** A browser adds cookies to whatever any page makes it send: what changes something must prove where it is from. */
function authenticateByCookie(
  request: Request,
  tokens: TokenVerifier,
  { allowedOrigins = [] }: AuthenticationOptions,
): AccessClaims | Promise<AccessClaims> {
  const token = readCookie(request, authCookies.access);
  if (token === undefined) throw problems.unauthorized();
  const claims = tokens.verify(token);
  if (isHarmless(request)) return claims;
  const admit = (user: AccessClaims) => {
    assertFromOwnPage(request, allowedOrigins);
    assertCsrfToken(request, user.csrf);
    return user;
  };
  return claims instanceof Promise ? claims.then(admit) : admit(claims);
}
