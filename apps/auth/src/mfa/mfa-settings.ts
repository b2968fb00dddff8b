import { setting } from '@rostrum/config';
import { z } from 'zod';

export const mfaSettings = {
  mfaIssuer: setting(
    z
      .string()
      .regex(/^[^:\p{Cc}]{1,64}$/u, 'must be a name without a colon')
      .default('Rostrum'),
    {
      env: 'MFA_ISSUER',
      doc: 'what authenticator apps show beside their codes',
    },
  ),
};
