import type { IncomingMessage } from 'node:http';
import { webSocketProtocol } from '@rostrum/contracts';
import { problems } from '@rostrum/errors';
import type { AccessClaims, TokenVerifier } from '@rostrum/security';
import { upgradeErrors } from './upgrade.errors';

export const webSocketPath = '/ws';

const bearerScheme = 'Bearer ';
/** Browsers cannot set headers on a WebSocket, but they can offer sub-protocols. */
const bearerProtocol = 'bearer.';

/** Decides who may open a socket, before there is one: whoever may not gets an HTTP answer. */
export class UpgradeGate {
  private readonly allowedOrigins: ReadonlySet<string>;

  constructor(
    private readonly tokens: Pick<TokenVerifier, 'verify'>,
    allowedOrigins: readonly string[],
  ) {
    this.allowedOrigins = new Set(allowedOrigins);
  }

  async admit({ url, headers }: IncomingMessage): Promise<AccessClaims> {
    if (pathOf(url) !== webSocketPath) throw problems.routeNotFound();
    if (headers.origin !== undefined && !this.allowedOrigins.has(headers.origin)) {
      throw upgradeErrors.originNotAllowed();
    }
    const offered = offeredProtocols(headers['sec-websocket-protocol']);
    if (!offered.includes(webSocketProtocol)) throw upgradeErrors.protocolRequired();
    const token = bearerOf(headers.authorization) ?? tokenAmong(offered);
    if (token === undefined) throw problems.unauthorized();
    return this.tokens.verify(token);
  }
}

/** Without the query: what stands there is nobody's business. */
export function pathOf(url = ''): string {
  return url.split('?', 1)[0] ?? '';
}

function offeredProtocols(header = ''): string[] {
  return header.split(',').map((name) => name.trim());
}

function bearerOf(authorization: string | undefined): string | undefined {
  return authorization?.startsWith(bearerScheme) ? authorization.slice(bearerScheme.length) : undefined;
}

function tokenAmong(offered: readonly string[]): string | undefined {
  return offered.find((name) => name.startsWith(bearerProtocol))?.slice(bearerProtocol.length);
}
