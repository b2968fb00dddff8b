import { emailAddress } from '@rostrum/contracts';
import type { Policy } from '@rostrum/resilience';
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  discovery,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
  type Configuration,
} from 'openid-client';
import { oidcErrors } from './oidc.errors';
import type { OidcProvider } from './oidc-settings';

const answerSeconds = 5;

/** What has to be the same at the end as at the beginning. */
export interface FlowSecrets {
  state: string;
  nonce: string;
  verifier: string;
}

/** Who somebody is at a provider. */
export interface OidcIdentity {
  subject: string;
  /** As the provider has it; undefined where it tells none that a person could have. */
  email: string | undefined;
  emailVerified: boolean;
}

/** One identity provider: authorization code with PKCE, state and nonce. */
export class OidcClient {
  private known: Promise<Configuration> | undefined;

  constructor(
    private readonly provider: OidcProvider,
    private readonly redirectUri: string,
    private readonly policy: Pick<Policy, 'execute'>,
  ) {}

  async begin(): Promise<{ url: string; secrets: FlowSecrets }> {
    const config = await this.configuration();
    const secrets = { state: randomState(), nonce: randomNonce(), verifier: randomPKCECodeVerifier() };
    const url = buildAuthorizationUrl(config, {
      redirect_uri: this.redirectUri,
      scope: 'openid email',
      code_challenge: await calculatePKCECodeChallenge(secrets.verifier),
      code_challenge_method: 'S256',
      state: secrets.state,
      nonce: secrets.nonce,
    });
    return { url: url.href, secrets };
  }

  async finish(query: string, { state, nonce, verifier }: FlowSecrets): Promise<OidcIdentity> {
    const config = await this.configuration();
    const url = new URL(this.redirectUri);
    url.search = query;
    const checks = {
      expectedState: state,
      expectedNonce: nonce,
      pkceCodeVerifier: verifier,
      idTokenExpected: true,
    };
    const outcome = await this.reach(() =>
      authorizationCodeGrant(config, url, checks).catch((error: unknown) => {
        if (isOutage(error)) throw error;
        return { refusal: error };
      }),
    );
    if ('refusal' in outcome) throw oidcErrors.refused(outcome.refusal);
    const claims = outcome.claims();
    if (!claims) throw oidcErrors.refused();
    const { success, data: email } = emailAddress.safeParse(claims['email']);
    const emailVerified = claims['email_verified'] === true;
    return { subject: claims.sub, email: success ? email : undefined, emailVerified };
  }

  /** The provider's own refusals are no failures of it: only what keeps it from answering is counted. */
  private async reach<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    try {
      return await this.policy.execute(ask);
    } catch (error) {
      throw oidcErrors.unavailable(error);
    }
  }

  /** Asked for once; after a failure, anew. */
  private async configuration(): Promise<Configuration> {
    const asking = (this.known ??= this.policy.execute(() => this.discover()));
    try {
      return await asking;
    } catch (error) {
      if (this.known === asking) this.known = undefined;
      throw oidcErrors.unavailable(error);
    }
  }

  private discover(): Promise<Configuration> {
    const { issuer, clientId, clientSecret } = this.provider;
    // Only an issuer on this machine may be without TLS: the setting takes no other.
    const execute = issuer.startsWith('http:') ? [allowInsecureRequests] : [];
    return discovery(new URL(issuer), clientId, clientSecret, undefined, { execute, timeout: answerSeconds });
  }
}

/** Whether there was no answer, or one of the provider's own errors: then nothing is wrong with what was shown. */
function isOutage(error: unknown): boolean {
  return [error, (error as Error).cause].some((each) => {
    const { name, code, status } = (each ?? {}) as { name?: unknown; code?: unknown; status?: unknown };
    // What `fetch` says when it gets no answer; those of the client itself have a code.
    if (name === 'TypeError' && code === undefined) return true;
    return name === 'TimeoutError' || (typeof status === 'number' && status >= 500);
  });
}
