import {
  databaseSettings,
  loggingSettings,
  redisSettings,
  secretText,
  serviceSettings,
  setting,
  shutdownSettings,
  tracingSettings,
} from '@rostrum/config';

export const opsSettings = {
  opsToken: setting(secretText().optional(), {
    env: 'OPS_TOKEN',
    doc: 'the bearer token of admin actions on the ops port; without it there are none',
    secret: true,
  }),
};

/** What every process of a service is told, but for its ports. */
export const processSettings = {
  ...serviceSettings,
  ...loggingSettings,
  ...tracingSettings,
  ...shutdownSettings,
  ...opsSettings,
  ...databaseSettings,
  ...redisSettings,
};
