import { isAppError } from '@rostrum/errors';
import type { AccessClaims, TokenVerifier } from '@rostrum/security';
import type { Connection } from './connection';
import type { MessageHandler } from './message-router';
import { Tickets } from './tickets';

export interface TokenRefreshParts {
  tokens: Pick<TokenVerifier, 'verify'>;
  tickets: Pick<Tickets, 'redeem'>;
}

/**
 * A newer token keeps the socket. It must be of the same person and session: whoever else comes has a socket of their
 * own to open. Pages that are signed in by a cookie have no token to show, and send a ticket.
 */
export function tokenRefresh({ tokens, tickets }: TokenRefreshParts): MessageHandler<'token.refresh'> {
  const read = async (token: string): Promise<AccessClaims | undefined> => {
    try {
      return await (Tickets.isTicket(token) ? tickets.redeem(token) : tokens.verify(token));
    } catch (error) {
      if (isAppError(error) && error.status === 401) return undefined;
      throw error;
    }
  };
  return async (connection: Connection, { token }) => {
    const user = await read(token);
    const { userId, sessionId } = connection.user;
    if (user?.userId !== userId || user.sessionId !== sessionId) {
      connection.close('token_refused');
      return undefined;
    }
    connection.renew(user);
    return { type: 'ok', tokenExpiresAt: new Date(user.expiresAt * 1000).toISOString() };
  };
}
