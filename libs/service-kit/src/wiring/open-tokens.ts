import type { Config, tokenVerifierSettings } from '@rostrum/config';
import type { Redis } from '@rostrum/data-access';
import {
  createTokenVerifier,
  remoteKeySet,
  type RevocationList,
  type TokenVerifier,
} from '@rostrum/security';
import type { Dependency } from '../health/health-registry';
import type { Kit } from '../lifecycle/kit';
import type { BackgroundWork, Resource } from '../lifecycle/service';
import { followRevocations } from './follow-revocations';
import { openAuthClient } from './open-http-client';

export interface OpenTokens {
  tokens: TokenVerifier;
  /** For what stays open on the strength of a token. */
  revocations: RevocationList;
  work: BackgroundWork;
  dependency: Dependency;
  resource: Resource;
}

export type TokensConfig = Config<typeof tokenVerifierSettings> & {
  /** How many verified tokens are remembered, about 1 KiB each. */
  rememberedTokens?: number;
};

/** How a service verifies the tokens of auth: by its published keys, and never past what it has revoked. */
export function openTokens(
  kit: Kit,
  { jwtIssuer: issuer, jwtAudience: audience, jwksUrl, rememberedTokens }: TokensConfig,
  redis: Redis,
): OpenTokens {
  const auth = openAuthClient(kit, jwksUrl);
  const keys = remoteKeySet(jwksUrl, { fetch: auth.fetch });
  const { revocations, work, dependency } = followRevocations(kit, {
    redis,
    jwksUrl,
    fetch: auth.fetch,
    keys,
  });
  const memory = rememberedTokens === undefined ? {} : { remember: rememberedTokens };
  const tokens = createTokenVerifier({ issuer, audience, keys, revocations, ...memory });
  return { tokens, revocations, work, dependency, resource: auth.resource };
}
