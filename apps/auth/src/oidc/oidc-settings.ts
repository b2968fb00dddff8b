import { httpUrl, setting } from '@rostrum/config';
import { z } from 'zod';

const provider = z.strictObject({
  name: z.string().regex(/^[a-z0-9-]{1,32}$/),
  issuer: z.string().regex(/^(https:\/\/|http:\/\/(127\.0\.0\.1|localhost)[:/])/, 'must be https'),
  clientId: z.string().min(1),
  clientSecret: z.string().min(1),
});

export type OidcProvider = z.output<typeof provider>;

const providers = z.string().transform((text, context): OidcProvider[] => {
  try {
    return z.array(provider).parse(JSON.parse(text));
  } catch {
    context.addIssue({ code: 'custom', message: 'must be JSON: [{ name, issuer, clientId, clientSecret }]' });
    return z.NEVER;
  }
});

export const oidcSettings = {
  oidcProviders: setting(providers.default([]), {
    env: 'OIDC_PROVIDERS',
    doc: 'the identity providers that people may sign in with, in JSON: [{ name, issuer, clientId, clientSecret }]',
    secret: true,
  }),
  oidcRedirectUri: setting(httpUrl().default('https://localhost:8443/oidc'), {
    env: 'OIDC_REDIRECT_URI',
    doc: 'the page that providers send browsers back to, as it is registered with them',
  }),
};
