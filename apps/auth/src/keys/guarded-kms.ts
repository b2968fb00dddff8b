import { isAppError } from '@rostrum/errors';
import { KmsError, type Kms } from '@rostrum/security';
import type { Breakers } from '@rostrum/service-kit';

/** More than the keeper's own tries may take together. */
const timeoutMs = 10_000;

/** A keeper of keys elsewhere is left alone while it is down; that it refuses something is no sign of that. */
export function guardKms(kms: Kms, breakers: Pick<Breakers, 'openPolicy'>): Kms {
  if (kms.provider === 'local') return kms;
  const policy = breakers.openPolicy(
    { name: 'kms', timeoutMs, isFailure: (error) => !isRefusal(error) },
    'data keys that are open already stay in use',
  );
  const guarded = <T>(ask: () => Promise<T>): Promise<T> =>
    policy.execute(ask).catch((error: unknown) => {
      throw isAppError(error)
        ? new KmsError('unavailable', 'The keeper of keys does not answer', error)
        : error;
    });
  return {
    provider: kms.provider,
    wrap: (key, context) => guarded(() => kms.wrap(key, context)),
    unwrap: (wrapped, context) => guarded(() => kms.unwrap(wrapped, context)),
  };
}

function isRefusal(error: unknown): boolean {
  return error instanceof KmsError && error.failure === 'refused';
}
