import {
  eventSettings,
  integer,
  migrationSettings,
  portSettings,
  rateLimitSettings,
  setting,
  tokenSettings,
  type Config,
} from '@rostrum/config';
import { processSettings } from '@rostrum/service-kit';
import { keySettings } from './keys/key-settings';

const sharedSettings = {
  ...processSettings,
  ...keySettings,
};

export const passwordSettings = {
  passwordHashConcurrency: setting(integer(1, 1024).optional(), {
    env: 'PASSWORD_HASH_CONCURRENCY',
    doc: 'passwords hashed at once; one per core unless set, and always fewer than UV_THREADPOOL_SIZE',
  }),
  passwordHashQueue: setting(integer(0, 100_000).default(64), {
    env: 'PASSWORD_HASH_QUEUE',
    doc: 'how many passwords may wait to be hashed; more are answered with 503',
  }),
  threadPoolSize: setting(integer(1, 1024).default(4), {
    env: 'UV_THREADPOOL_SIZE',
    doc: "Node's own: the threads that hashing, signing, file and name look-ups share",
  }),
};

export const mainSettings = {
  ...sharedSettings,
  ...portSettings(8080, 9080),
  ...tokenSettings,
  ...rateLimitSettings,
  ...passwordSettings,
  jwtRefreshTtl: setting(integer(1, 31_536_000).default(604_800), {
    env: 'JWT_REFRESH_TTL',
    doc: 'seconds that a session lasts',
  }),
};

export const workerSettings = { ...sharedSettings, ...eventSettings, ...portSettings(8080, 9180) };

export const migrateSettings = migrationSettings;

export type AuthConfig = Config<typeof mainSettings>;
export type AuthWorkerConfig = Config<typeof workerSettings>;

/** The only reader of the process's environment. */
export const environment = process.env;
