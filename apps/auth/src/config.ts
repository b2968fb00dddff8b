import {
  eventSettings,
  migrationSettings,
  portSettings,
  rateLimitSettings,
  tokenSettings,
  type Config,
} from '@rostrum/config';
import { processSettings } from '@rostrum/service-kit';
import { mailSettings, passwordSettings, secretSettings, signInSettings } from './account-settings';
import { auditSettings } from './audit/audit-settings';
import { keySettings } from './keys/key-settings';

const sharedSettings = {
  ...processSettings,
  ...keySettings,
  ...secretSettings,
};

export const mainSettings = {
  ...sharedSettings,
  ...portSettings(8080, 9080),
  ...tokenSettings,
  ...rateLimitSettings,
  ...passwordSettings,
  ...signInSettings,
};

export const workerSettings = {
  ...sharedSettings,
  ...eventSettings,
  ...mailSettings,
  ...auditSettings,
  ...portSettings(8080, 9180),
};

export const migrateSettings = migrationSettings;

export type AuthConfig = Config<typeof mainSettings>;
export type AuthWorkerConfig = Config<typeof workerSettings>;

/** The only reader of the process's environment. */
export const environment = process.env;
