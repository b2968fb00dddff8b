import { availableParallelism } from 'node:os';
import { createOutbox } from '@rostrum/data-access';
import {
  createEventPublisher,
  createKit,
  createService,
  openCache,
  openLimits,
  openEventBus,
  openStores,
  relayEvents,
  type Kit,
  type KitOverrides,
  type OpenRedis,
  type Service,
} from '@rostrum/service-kit';
import { accountsRoutes } from './accounts/accounts.routes';
import { AccountsRepository } from './accounts/accounts.repository';
import { AccountsService } from './accounts/accounts.service';
import { RegistrationService } from './accounts/registration.service';
import { BusinessEvents } from './business-events';
import { composeKeys, composeKeyUpkeep } from './compose-keys';
import type { AuthConfig, AuthWorkerConfig } from './config';
import { BoundedQueue } from './passwords/bounded-queue';
import { PasswordHasher } from './passwords/password-hasher';
import { ActiveUsers } from './sessions/active-users';
import { SessionsRepository } from './sessions/sessions.repository';
import { sessionsRoutes } from './sessions/sessions.routes';
import { SessionsService } from './sessions/sessions.service';

/** The service that answers requests. */
export async function createAuthService(config: AuthConfig, overrides: KitOverrides = {}): Promise<Service> {
  const kit = createKit({ service: 'auth', role: 'main' }, config, overrides);
  const { postgres, redis, shared } = openStores(kit, config, { redis: 'degradable' });
  const { database } = postgres;
  const events = new BusinessEvents(kit);
  const passwords = await PasswordHasher.create(openHashingQueue(kit, config));
  const keys = composeKeys(kit, config, { database, redis: redis.redis });
  const publisher = createEventPublisher(createOutbox({ database, schema: kit.service }));
  const repository = new AccountsRepository(database);
  const cache = openCache(kit, redis.redis, { name: 'account', policy: 'profile' });
  const accounts = new AccountsService(repository, cache);
  const registration = new RegistrationService({ database, publisher, passwords, events });
  const sessions = new SessionsService(
    {
      accounts: repository,
      sessions: new SessionsRepository(database),
      passwords,
      signer: keys.signer,
      events,
    },
    config.jwtRefreshTtl,
  );
  return createService(kit, {
    ...shared,
    dependencies: [...shared.dependencies, keys.dependency],
    tokens: openActiveUsers(kit, redis).watch(keys.tokens),
    work: keys.work,
    limits: openLimits(kit, redis.redis, config),
    routes: (binder) => {
      accountsRoutes(binder, { accounts, registration });
      sessionsRoutes(binder, sessions);
      keys.routes(binder);
    },
  });
}

/** The process that sends this service's events. */
export function createAuthWorker(config: AuthWorkerConfig, overrides: KitOverrides = {}): Service {
  const kit = createKit({ service: 'auth', role: 'worker' }, config, overrides);
  const { postgres, redis, shared } = openStores(kit, config, { redis: 'degradable' });
  const { database } = postgres;
  const events = openEventBus(kit, config, redis);
  return createService(kit, {
    ...shared,
    dependencies: [...shared.dependencies, ...events.dependencies],
    work: [relayEvents(kit, { database, events }), composeKeyUpkeep(kit, config, database)],
    resources: [events.resource, ...shared.resources],
  });
}

function openActiveUsers({ metrics }: Kit, { redis }: OpenRedis): ActiveUsers {
  const users = new ActiveUsers(redis);
  metrics.gauge('active_users', 'People whose token auth has seen in the last five minutes', {
    collect: async (gauge) => gauge.set(await users.count()),
  });
  return users;
}

/** Signing and looking up names use the same threads: one always stays free of hashing. */
function openHashingQueue({ metrics }: Kit, config: AuthConfig): BoundedQueue {
  const wanted = config.passwordHashConcurrency ?? availableParallelism();
  const queue = new BoundedQueue({
    name: 'password_hashing',
    concurrency: Math.max(1, Math.min(wanted, config.threadPoolSize - 1)),
    maxWaiting: config.passwordHashQueue,
  });
  metrics.gauge('password_hashes', 'Passwords being hashed or waiting for it', {
    labelNames: ['state'],
    collect: (gauge) => {
      gauge.set({ state: 'active' }, queue.active);
      gauge.set({ state: 'waiting' }, queue.waiting);
    },
  });
  return queue;
}
