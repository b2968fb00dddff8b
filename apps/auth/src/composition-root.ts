import { RevocationList } from '@rostrum/security';
import {
  consumeEvents,
  createKit,
  createService,
  deadLetterActions,
  expireIdempotencyKeys,
  openIdempotency,
  openLimits,
  openEventBus,
  openStores,
  relayEvents,
  type Kit,
  type KitOverrides,
  type OpenRedis,
  type Service,
} from '@rostrum/service-kit';
import { composeAccountUpkeep } from './compose-account-upkeep';
import { composeAccounts } from './compose-accounts';
import { bindAdmin, composeAdmin } from './compose-admin';
import { composeAuditUpkeep } from './compose-audit';
import { composeKeyCare, composeKeys, composeKeyUpkeep } from './compose-keys';
import type { AuthConfig, AuthWorkerConfig } from './config';
import { KeptAnswers } from './secrets/kept-answers';
import { Keyring } from './secrets/keyring';
import { ActiveUsers } from './sessions/active-users';

/** The service that answers requests. */
export function createAuthService(config: AuthConfig, overrides: KitOverrides = {}): Service {
  const kit = createKit({ service: 'auth', role: 'main' }, config, overrides);
  const { postgres, redis, shared } = openStores(kit, config, { redis: 'degradable' });
  const stores = { database: postgres.database, redis: redis.redis };
  const keys = composeKeys(kit, config, stores);
  const accounts = composeAccounts(kit, config, {
    ...stores,
    keys,
    activity: { activityOf: (userId) => admin.audit.activityOf(userId) },
  });
  const admin = composeAdmin(config, {
    ...stores,
    keys,
    endings: accounts.endings,
    forget: (userId) => accounts.accounts.forget(userId),
  });
  // Roles have changed, here or by another process: what is cached of the account says the old ones.
  keys.list.onAdded((added) => {
    for (const { kind, id } of added) if (kind === 'subject') void accounts.accounts.forget(id);
  });
  return createService(kit, {
    ...shared,
    dependencies: [...shared.dependencies, keys.dependency],
    tokens: openActiveUsers(kit, redis).watch(keys.tokens),
    work: [...keys.work, accounts.work],
    limits: openLimits(kit, redis.redis, config),
    idempotency: openIdempotency(kit, stores.database, new KeptAnswers(new Keyring(config.authSecrets))),
    routes: (binder) => {
      accounts.routes(binder);
      keys.routes(binder);
      bindAdmin(binder, admin);
    },
  });
}

/** The process that sends this service's events. */
export function createAuthWorker(config: AuthWorkerConfig, overrides: KitOverrides = {}): Service {
  const kit = createKit({ service: 'auth', role: 'worker' }, config, overrides);
  const { postgres, redis, shared } = openStores(kit, config, { redis: 'degradable' });
  const { database } = postgres;
  const events = openEventBus(kit, config, redis);
  const keys = composeKeyCare(kit, config, {
    database,
    list: new RevocationList(),
    onRevoked: () => undefined,
  });
  const accounts = composeAccountUpkeep(kit, config, { database, keys });
  return createService(kit, {
    ...shared,
    dependencies: [...shared.dependencies, ...events.dependencies],
    work: [
      relayEvents(kit, { database, events }),
      consumeEvents(kit, { database, events }, accounts.subscriptions),
      composeKeyUpkeep(kit, config, { database, care: keys }),
      ...composeAuditUpkeep(kit, config, { database, vault: keys.vault }),
      ...accounts.work,
      expireIdempotencyKeys(kit, database),
    ],
    resources: [accounts.resource, events.resource, ...shared.resources],
    actions: { ...accounts.actions, ...deadLetterActions(kit, events, ['realtime']) },
  });
}

function openActiveUsers({ metrics }: Kit, { redis }: OpenRedis): ActiveUsers {
  const users = new ActiveUsers(redis);
  metrics.gauge('active_users', 'People whose token auth has seen in the last five minutes', {
    collect: async (gauge) => gauge.set(await users.count()),
  });
  return users;
}
