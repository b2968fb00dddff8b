import { problems } from '@rostrum/errors';

export const keysErrors = {
  unavailable: (cause?: unknown) => problems.unavailable('signing_keys', 1, cause),

  rotationUnderWay: () =>
    problems.conflict('ROTATION_UNDER_WAY', 'The next key has its time already; wait until it signs'),

  unknown: () => problems.notFound('signing key'),

  alreadyRevoked: () => problems.conflict('KEY_ALREADY_REVOKED', 'This key has been revoked already'),
};
