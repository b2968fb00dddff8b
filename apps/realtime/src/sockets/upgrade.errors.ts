import { webSocketProtocol } from '@rostrum/contracts';
import { AppError, problems } from '@rostrum/errors';

export const upgradeErrors = {
  required: () =>
    new AppError({
      code: 'UPGRADE_REQUIRED',
      status: 426,
      title: 'Upgrade required',
      detail: 'This is where WebSockets are opened; there is nothing to get here',
      headers: { Upgrade: 'websocket', Connection: 'Upgrade' },
    }),

  malformed: () =>
    problems.badRequest('MALFORMED_HANDSHAKE', 'The request is no WebSocket handshake of version 13'),

  protocolRequired: () =>
    problems.badRequest(
      'SUB_PROTOCOL_REQUIRED',
      `The client must offer the sub-protocol ${webSocketProtocol}`,
    ),

  originNotAllowed: () =>
    new AppError({
      code: 'ORIGIN_NOT_ALLOWED',
      status: 403,
      title: 'Forbidden',
      detail: 'Pages of this origin may not open a WebSocket here',
    }),

  tooManyHandshakes: () =>
    new AppError({
      code: 'TOO_MANY_HANDSHAKES',
      status: 429,
      title: 'Too many requests',
      detail: 'This address opens WebSockets too often; wait longer each time',
      retryAfterSeconds: 1,
    }),

  tooManyConnections: (whose: 'person' | 'address') =>
    new AppError({
      code: 'TOO_MANY_CONNECTIONS',
      status: 429,
      title: 'Too many requests',
      detail: `This ${whose} has as many WebSockets open as it may have`,
      retryAfterSeconds: 30,
    }),

  full: () =>
    new AppError({
      code: 'FULL',
      status: 503,
      title: 'Service unavailable',
      detail: 'This instance holds as many WebSockets as it can; another one may not',
      retryAfterSeconds: 5,
    }),

  draining: () =>
    new AppError({
      code: 'DRAINING',
      status: 503,
      title: 'Service unavailable',
      detail: 'This instance is about to end; another one takes over',
      retryAfterSeconds: 1,
    }),
};
