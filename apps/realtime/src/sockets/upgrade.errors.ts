import { webSocketProtocol } from '@rostrum/contracts';
import { AppError, problems } from '@rostrum/errors';

export const upgradeErrors = {
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

  draining: () =>
    new AppError({
      code: 'DRAINING',
      status: 503,
      title: 'Service unavailable',
      detail: 'This instance is about to end; another one takes over',
      retryAfterSeconds: 1,
    }),
};
