import {
  eventSettings,
  migrationSettings,
  portSettings,
  rateLimitSettings,
  secretText,
  setting,
  tokenVerifierSettings,
  type Config,
} from '@rostrum/config';
import { processSettings } from '@rostrum/service-kit';

export const mainSettings = {
  ...processSettings,
  ...portSettings(8081, 9081),
  ...tokenVerifierSettings,
  ...rateLimitSettings,
  cursorSecret: setting(secretText(), {
    env: 'CURSOR_SECRET',
    doc: 'signs the cursors of lists; a new one ends the cursors that clients hold',
    secret: true,
  }),
};

export const workerSettings = { ...processSettings, ...eventSettings, ...portSettings(8081, 9181) };

export const migrateSettings = migrationSettings;

export type PostsConfig = Config<typeof mainSettings>;
export type PostsWorkerConfig = Config<typeof workerSettings>;

/** The only reader of the process's environment. */
export const environment = process.env;
