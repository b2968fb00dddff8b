import { problems } from '@rostrum/errors';

export const pushErrors = {
  endpointRefused: () =>
    problems.badRequest(
      'PUSH_ENDPOINT_REFUSED',
      'The endpoint is not one of a push service that is known here',
    ),
  keyInvalid: () => problems.badRequest('PUSH_KEY_INVALID', 'The key p256dh is not a point of P-256'),
  notSetUp: () => problems.unavailable('push'),
};
