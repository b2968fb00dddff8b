import type { Config } from '@rostrum/config';
import type { Kit } from '@rostrum/service-kit';
import { OidcClient } from './oidc-client';
import type { oidcSettings } from './oidc-settings';

const answerMs = 5_000;

/** A client for each provider that is configured, by its name. */
export function openOidcClients(
  { breakers }: Kit,
  config: Config<typeof oidcSettings>,
): Map<string, OidcClient> {
  return new Map(
    config.oidcProviders.map((provider) => {
      const name = `oidc_${provider.name}`;
      const policy = breakers.openPolicy({ name, timeoutMs: answerMs }, 'nobody signs in with that provider');
      return [provider.name, new OidcClient(provider, config.oidcRedirectUri, policy)];
    }),
  );
}
