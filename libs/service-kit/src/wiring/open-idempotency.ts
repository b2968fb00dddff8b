import { IdempotencyKeys, type Database } from '@rostrum/data-access';
import { Idempotency, type KeptAnswers } from '../http/idempotency';
import type { Kit } from '../lifecycle/kit';
import { RepeatedWork } from '../lifecycle/repeated-work';

const expiryEveryMs = 60_000;

/** Lets the routes of a service whose contracts are idempotent take `Idempotency-Key`. */
export function openIdempotency(
  { service, metrics }: Kit,
  database: Database,
  answers?: KeptAnswers,
): Idempotency {
  const requests = metrics.counter(
    'idempotency_requests_total',
    'Requests with an Idempotency-Key, by what became of it',
    ['result'],
  );
  for (const result of ['kept', 'replayed', 'in_flight', 'mismatch']) requests.inc({ result }, 0);
  return new Idempotency({
    database,
    keys: new IdempotencyKeys({ schema: service }),
    answers,
    count: (result) => requests.inc({ result }),
  });
}

/** Work for a worker: keys that have expired are removed. */
export function expireIdempotencyKeys({ service, logger, metrics }: Kit, database: Database): RepeatedWork {
  const keys = new IdempotencyKeys({ schema: service });
  const expired = metrics.counter(
    'idempotency_keys_expired_total',
    'Idempotency keys removed after their time',
  );
  expired.inc(0);
  return new RepeatedWork({
    name: 'idempotency keys',
    everyMs: expiryEveryMs,
    firstAfterMs: 0,
    round: async () => expired.inc(await keys.removeExpired(database)),
    onError: (error) => logger.warn('Expired idempotency keys could not be removed', { error }),
  });
}
