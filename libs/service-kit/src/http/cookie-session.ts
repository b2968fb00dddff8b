import { hash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { csrfHeader } from '@rostrum/contracts';
import { AppError } from '@rostrum/errors';
import type { Request } from 'express';

const harmless = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Whether the method changes nothing, so that it does not matter which page made the browser send it. */
export function isHarmless({ method = '' }: IncomingMessage): boolean {
  return harmless.has(method);
}

/** A cookie of the request; of several of one name the first, as browsers send the most specific one first. */
export function readCookie({ headers: { cookie } }: IncomingMessage, name: string): string | undefined {
  if (cookie === undefined) return undefined;
  const sought = `${name}=`;
  let start = cookie.startsWith(sought) ? 0 : cookie.indexOf(`; ${sought}`);
  if (start === -1) return undefined;
  start = cookie.indexOf('=', start) + 1;
  const end = cookie.indexOf(';', start);
  return end === -1 ? cookie.slice(start) : cookie.slice(start, end);
}

/**
 * Throws a 403 unless a page of ours made the browser send the request. Every browser says so in `Sec-Fetch-Site`, or
 * at least in `Origin`; who says neither is no browser and has no need of cookies.
 */
export function assertFromOwnPage(request: Request, allowedOrigins: readonly string[]): void {
  const { 'sec-fetch-site': site, origin, host } = request.headers;
  if (site === 'same-origin') return;
  if (origin === undefined) throw foreignPage();
  if (allowedOrigins.includes(origin)) return;
  if (site === undefined && origin === `${request.protocol}://${host}`) return;
  throw foreignPage();
}

/** Throws a 403 unless the client sent along what only a page that may read our answers can know. */
export function assertCsrfToken({ headers }: IncomingMessage, expected: string | undefined): void {
  const given = headers[csrfHeader];
  if (typeof given !== 'string' || expected === undefined || !isSame(given, expected)) throw wrongToken();
}

function isSame(one: string, other: string): boolean {
  return timingSafeEqual(hash('sha256', one, 'buffer'), hash('sha256', other, 'buffer'));
}

function foreignPage() {
  return new AppError({
    code: 'CROSS_SITE_REQUEST',
    status: 403,
    title: 'Cross-site request',
    detail:
      'A request that is signed in by a cookie and changes something must come from a page of this site',
  });
}

function wrongToken() {
  return new AppError({
    code: 'CSRF_TOKEN_INVALID',
    status: 403,
    title: 'Invalid CSRF token',
    detail: `A request that is signed in by a cookie and changes something needs the ${csrfHeader} header`,
  });
}
