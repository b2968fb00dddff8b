import { closeCodes, closeTable } from '@rostrum/contracts';

/** Why this server closes a socket with a close frame. */
export const closingCodes = {
  invalid_message: closeCodes.invalidMessage,
  rate_limited: closeCodes.rateLimited,
  slow_reader: closeCodes.slowReader,
  token_expired: closeCodes.tokenExpired,
  token_refused: closeCodes.tokenRefused,
  session_revoked: closeCodes.sessionRevoked,
  restarting: closeCodes.restarting,
} as const;

export type ClosingReason = keyof typeof closingCodes;

/** Why it hangs up without one: nobody would read it. */
const terminationReasons = ['unresponsive'] as const;

/** How sockets end that this server has not ended. */
const otherReasons = ['client', 'lost', 'protocol_error', 'too_big'] as const;

export const endReasons = [
  ...(Object.keys(closingCodes) as ClosingReason[]),
  ...terminationReasons,
  ...otherReasons,
];

export type EndReason = (typeof endReasons)[number];

/** What a close code says where the server itself had no reason: the client closed, or the connection was lost. */
export function reasonOfCode(code: number): EndReason {
  return code === closeTable.lost.code ? 'lost' : 'client';
}

/** What `ws` found wrong with the frames of a client. */
export function reasonOfError(error: Error & { code?: unknown }): EndReason {
  if (error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') return 'too_big';
  return String(error.code).startsWith('WS_ERR_') ? 'protocol_error' : 'lost';
}
