import {
  databaseSettings,
  databaseTlsSettings,
  eventSettings,
  migrationSettings,
  portSettings,
  postgresUrl,
  rateLimitSettings,
  setting,
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

/** Of an operator's commands. */
export const operateSettings = {
  ...databaseTlsSettings,
  databaseUrl: databaseSettings.databaseUrl,
  databaseMigrationUrl: setting(postgresUrl().optional(), {
    env: 'DATABASE_MIGRATION_URL',
    doc: 'PostgreSQL, as the role that owns the schema; only audit prune needs it',
    secret: true,
  }),
  ...keySettings,
  ...secretSettings,
};

export type AuthConfig = Config<typeof mainSettings>;
export type AuthWorkerConfig = Config<typeof workerSettings>;

/** The only reader of the process's environment. */
export const environment = process.env;
