import { secretText, setting } from '@rostrum/config';

export const opsSettings = {
  opsToken: setting(secretText().optional(), {
    env: 'OPS_TOKEN',
    doc: 'the bearer token of admin actions on the ops port; without it there are none',
    secret: true,
  }),
};
