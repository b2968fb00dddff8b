import { setting } from '@rostrum/config';
import { z } from 'zod';

const origins = z
  .string()
  .transform((text) => text.split(',').map((each) => each.trim()))
  .pipe(z.array(z.url({ protocol: /^https?$/ }).transform((text) => new URL(text).origin)).min(1));

export const passkeySettings = {
  webauthnRpId: setting(z.hostname().default('localhost'), {
    env: 'WEBAUTHN_RP_ID',
    doc: 'the domain that passkeys are made for; with another one all of them are void',
  }),
  webauthnOrigins: setting(origins.default(['https://localhost:8443']), {
    env: 'WEBAUTHN_ORIGINS',
    doc: 'the origins of the pages that may use them, with commas between',
  }),
};
