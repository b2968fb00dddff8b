import {
  authCookies,
  endSessionRoute,
  endSessionsRoute,
  listSessionsRoute,
  loginRoute,
  logoutRoute,
  refreshRoute,
} from '@rostrum/contracts';
import { assertCsrfToken, assertFromOwnPage, readCookie, type RouteBinder } from '@rostrum/service-kit';
import type { Request } from 'express';
import { auditOrigin } from '../audit/audit-origin';
import type { RefreshService } from './refresh.service';
import type { RefreshTokens } from './refresh-token';
import {
  challengeReply,
  clearedCookies,
  refreshedReply,
  signedInReply,
  toSessionBody,
} from './session-replies';
import type { SessionTokens } from './session-tokens';
import { sessionsErrors } from './sessions.errors';
import type { SessionsService } from './sessions.service';
import type { SignInService } from './sign-in.service';

export interface SessionsFeature {
  signIn: SignInService;
  refresh: RefreshService;
  sessions: SessionsService;
  tokens: { refresh: RefreshTokens; session: SessionTokens };
  /** The origins of web pages, besides the service's own, that may use its cookies. */
  allowedOrigins: readonly string[];
}

export function sessionsRoutes(binder: RouteBinder, feature: SessionsFeature): void {
  const { signIn, refresh, sessions, tokens } = feature;

  binder.bind(loginRoute, async ({ body, query: { mode }, request, signal }) => {
    const deviceToken = body.deviceToken ?? readCookie(request, authCookies.device);
    const outcome = await signIn.signIn(
      { ...body, deviceToken },
      { mode, from: auditOrigin(request), signal },
    );
    if ('account' in outcome) return { status: 200, ...signedInReply(outcome) };
    return { status: 200, ...challengeReply(outcome) };
  });

  binder.bind(refreshRoute, async ({ body, request }) => {
    const token = body?.refreshToken ?? tokenOfCookie(request, feature);
    const refreshed = await refresh.refresh(token, auditOrigin(request));
    return { status: 200, ...refreshedReply(refreshed, tokens.session.ttlSeconds) };
  });

  binder.bind(logoutRoute, async ({ user, request }) => {
    await sessions.logout(user, auditOrigin(request));
    return { status: 204, headers: clearedCookies() };
  });

  binder.bind(listSessionsRoute, async ({ user }) => {
    const listed = await sessions.list(user.userId);
    return { status: 200, body: { items: listed.map((session) => toSessionBody(session, user.sessionId)) } };
  });

  binder.bind(endSessionRoute, ({ user, params: { id }, request, once }) =>
    once<void, { status: 204 }>(
      (write) => sessions.endOne(user, { id, from: auditOrigin(request) }, write),
      () => ({ status: 204 }),
    ),
  );

  binder.bind(endSessionsRoute, ({ user, query, request, once }) => {
    const which = { exceptCurrent: query.except === 'current', from: auditOrigin(request) };
    return once(
      (write) => sessions.endMany(user, which, write),
      (ended: number) => ({ status: 200, body: { ended } }),
    );
  });
}

/** A browser sends the cookie whatever page makes it: only with what our own pages know does it count. */
function tokenOfCookie(request: Request, { tokens, allowedOrigins }: SessionsFeature): string {
  const text = readCookie(request, authCookies.refresh);
  const token = text === undefined ? undefined : tokens.refresh.read(text);
  if (text === undefined || !token) throw sessionsErrors.invalidRefreshToken();
  assertFromOwnPage(request, allowedOrigins);
  const expected = tokens.session.csrfTokens(token.sessionId);
  assertCsrfToken(request, expected.find((each) => each === request.headers['x-csrf-token']) ?? expected[0]);
  return text;
}
