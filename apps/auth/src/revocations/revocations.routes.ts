import { revocationsRoute } from '@rostrum/contracts';
import { problems } from '@rostrum/errors';
import type { RouteBinder } from '@rostrum/service-kit';
import type { RevocationBroadcast } from './revocation-broadcast';
import type { RevocationLog } from './revocation-log';

export interface RevocationsFeature {
  log: RevocationLog;
  broadcast: Pick<RevocationBroadcast, 'isFresh'>;
  keysVersion: () => string;
}

export function revocationsRoutes(
  binder: RouteBinder,
  { log, broadcast, keysVersion }: RevocationsFeature,
): void {
  binder.bind(revocationsRoute, ({ query }) => {
    if (!broadcast.isFresh) throw problems.unavailable('revocations');
    return { status: 200, body: { keys: keysVersion(), ...log.since(query.since) } };
  });
}
