import { authCookies, type Session as SessionBody } from '@rostrum/contracts';
import { toAccountBody } from '../accounts/account';
import type { Refreshed } from './refresh.service';
import type { SignedIn } from './session-starter';
import type { SessionView } from './sessions.service';
import type { MfaChallenge } from './sign-in.service';

const noStore = ['Cache-Control', 'no-store'];
const deviceSeconds = 365 * 86_400;

/** What is set in the browser; tokens are out of reach of its scripts, and go to this site alone. */
interface CookieValues {
  access: string;
  refresh: string;
  csrf: string;
  device?: string | undefined;
  /** How long an access token is good for, and how long the session is. */
  accessSeconds: number;
  sessionSeconds: number;
}

/** What whoever has signed in gets: tokens, or cookies with what is not secret. */
export function signedInReply(signedIn: SignedIn) {
  const { mode, accessToken, refreshToken, csrfToken, deviceToken, expiresIn } = signedIn;
  const user = toAccountBody(signedIn.account);
  if (mode === 'bearer' || csrfToken === undefined) {
    const body = { accessToken, refreshToken, tokenType: 'Bearer' as const, expiresIn, user, deviceToken };
    return { body, headers: noStore };
  }
  const cookies = setCookies({
    access: accessToken,
    refresh: refreshToken,
    csrf: csrfToken,
    device: deviceToken,
    accessSeconds: expiresIn,
    sessionSeconds: secondsUntil(signedIn.sessionExpiresAt),
  });
  return { body: { csrfToken, expiresIn, user }, headers: [...noStore, ...cookies] };
}

/** What whoever has a second factor gets first. */
export function challengeReply({ mfaToken, methods }: MfaChallenge) {
  return { body: { mfaRequired: true as const, mfaToken, methods: [...methods] }, headers: noStore };
}

export function refreshedReply(
  { session, accessToken, refreshToken, csrfToken }: Refreshed,
  expiresIn: number,
) {
  if (csrfToken === undefined) {
    return { body: { accessToken, refreshToken, tokenType: 'Bearer' as const, expiresIn }, headers: noStore };
  }
  const cookies = setCookies({
    access: accessToken,
    refresh: refreshToken,
    csrf: csrfToken,
    accessSeconds: expiresIn,
    sessionSeconds: secondsUntil(session.expiresAt),
  });
  return { body: { csrfToken, expiresIn }, headers: [...noStore, ...cookies] };
}

/** Makes a browser forget the session; the device stays known. */
export function clearedCookies(): string[] {
  return [authCookies.access, authCookies.refresh, authCookies.csrf].flatMap((name) =>
    cookie(name, '', { seconds: 0, forScripts: false }),
  );
}

export function toSessionBody(
  { userId: _, methods: __, ...session }: SessionView,
  current: string,
): SessionBody {
  return {
    ...session,
    current: session.id === current,
    createdAt: session.createdAt.toISOString(),
    usedAt: session.usedAt.toISOString(),
    expiresAt: session.expiresAt.toISOString(),
  };
}

function setCookies({
  access,
  refresh,
  csrf,
  device,
  accessSeconds,
  sessionSeconds,
}: CookieValues): string[] {
  return [
    ...cookie(authCookies.access, access, { seconds: accessSeconds }),
    ...cookie(authCookies.refresh, refresh, { seconds: sessionSeconds }),
    ...cookie(authCookies.csrf, csrf, { seconds: sessionSeconds, forScripts: true }),
    ...(device === undefined ? [] : cookie(authCookies.device, device, { seconds: deviceSeconds })),
  ];
}

/** The prefix of their names demands Secure and Path=/ and forbids Domain. */
function cookie(
  name: string,
  value: string,
  { seconds, forScripts = false }: { seconds: number; forScripts?: boolean },
): string[] {
  const attributes = `Path=/; Max-Age=${seconds}; Secure; SameSite=Strict${forScripts ? '' : '; HttpOnly'}`;
  return ['Set-Cookie', `${name}=${value}; ${attributes}`];
}

function secondsUntil(time: Date): number {
  return Math.max(0, Math.round((time.getTime() - Date.now()) / 1000));
}
