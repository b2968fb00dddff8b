import type { IncomingMessage } from 'node:http';
import { authCookies, webSocketProtocol } from '@rostrum/contracts';
import { problems } from '@rostrum/errors';
import type { AccessClaims, TokenVerifier } from '@rostrum/security';
import { readCookie } from '@rostrum/service-kit';
import type { Tickets } from './tickets';
import { upgradeErrors } from './upgrade.errors';

export const webSocketPath = '/ws';

const bearerScheme = 'Bearer ';
/** Browsers cannot set headers on a WebSocket, but they can offer sub-protocols. */
const bearerProtocol = 'bearer.';

export interface UpgradeGateParts {
  tokens: Pick<TokenVerifier, 'verify'>;
  tickets: Pick<Tickets, 'redeem'>;
  allowedOrigins: readonly string[];
}

/** Decides who may open a socket, before there is one. */
export class UpgradeGate {
  private readonly allowedOrigins: ReadonlySet<string>;

  constructor(private readonly parts: UpgradeGateParts) {
    this.allowedOrigins = new Set(parts.allowedOrigins);
  }

  /** Throws unless the request is one for a socket of this protocol, from nowhere or a page that may ask. */
  assertWellAsked({ url, headers }: IncomingMessage): void {
    if (pathOf(url) !== webSocketPath) throw problems.routeNotFound();
    if (headers.origin !== undefined && !this.allowedOrigins.has(headers.origin)) {
      throw upgradeErrors.originNotAllowed();
    }
    if (!offeredProtocols(headers).includes(webSocketProtocol)) throw upgradeErrors.protocolRequired();
  }

  /** Whether a page that may ask has made the browser ask. Pages cannot read HTTP answers to handshakes. */
  isFromPage({ headers: { origin } }: IncomingMessage): boolean {
    return origin !== undefined && this.allowedOrigins.has(origin);
  }

  async identify(request: IncomingMessage): Promise<AccessClaims> {
    const { headers } = request;
    const { tokens, tickets } = this.parts;
    const token = bearerOf(headers.authorization) ?? tokenAmong(offeredProtocols(headers));
    if (token !== undefined) return tokens.verify(token);
    const ticket = ticketOf(request.url);
    if (ticket !== undefined) return tickets.redeem(ticket);
    // Browsers send cookies whoever asks, so only a page that says that it is ours may use them.
    const cookie = this.isFromPage(request) ? readCookie(request, authCookies.access) : undefined;
    if (cookie === undefined) throw problems.unauthorized();
    return tokens.verify(cookie);
  }
}

/** Without the query: what stands there is nobody's business. */
export function pathOf(url = ''): string {
  return url.split('?', 1)[0] ?? '';
}

function ticketOf(url = ''): string | undefined {
  const query = url.indexOf('?');
  if (query === -1) return undefined;
  return new URLSearchParams(url.slice(query)).get('ticket') ?? undefined;
}

function offeredProtocols(headers: IncomingMessage['headers']): string[] {
  return (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
}

function bearerOf(authorization: string | undefined): string | undefined {
  return authorization?.startsWith(bearerScheme) ? authorization.slice(bearerScheme.length) : undefined;
}

function tokenAmong(offered: readonly string[]): string | undefined {
  return offered.find((name) => name.startsWith(bearerProtocol))?.slice(bearerProtocol.length);
}
