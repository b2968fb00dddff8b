import type { Database } from '@rostrum/data-access';
import { PendingProofs, type ProofKind } from '../mfa/pending-proofs';
import type { SessionMode } from '../sessions/session';
import type { FlowSecrets, OidcClient, OidcIdentity } from './oidc-client';
import { oidcErrors } from './oidc.errors';

export interface Flow extends FlowSecrets {
  provider: string;
  mode: SessionMode;
}

export interface FlowEnd {
  flowToken: string;
  query: string;
}

/** Who has come back from a provider, and from where they had begun. */
export interface FlowOutcome {
  flow: Flow;
  identity: OidcIdentity;
}

type FlowKind = Extract<ProofKind, `oidc-${string}`>;

const flowSeconds = 600;

/** Ways to a provider and back. What one client has begun no other ends, and nothing ends twice. */
export class OidcFlows {
  constructor(
    private readonly database: Database,
    private readonly clients: ReadonlyMap<string, OidcClient>,
  ) {}

  async begin(kind: FlowKind, { provider, mode }: Pick<Flow, 'provider' | 'mode'>, userId?: string) {
    const { url: authorizationUrl, secrets } = await this.clientOf(provider).begin();
    const state: Flow = { ...secrets, provider, mode };
    const proofs = new PendingProofs(this.database);
    return { authorizationUrl, flowToken: await proofs.begin({ kind, userId, state, seconds: flowSeconds }) };
  }

  async end(kind: FlowKind, { flowToken, query }: FlowEnd, userId?: string): Promise<FlowOutcome> {
    const begun = await new PendingProofs(this.database).take<Flow>(kind, flowToken);
    if (!begun || begun.userId !== (userId ?? null)) throw oidcErrors.refused();
    const { state: flow } = begun;
    return { flow, identity: await this.clientOf(flow.provider).finish(query, flow) };
  }

  clientOf(provider: string): OidcClient {
    const client = this.clients.get(provider);
    if (!client) throw oidcErrors.unknownProvider();
    return client;
  }
}

/** As an identity is found again: its number at one provider may be somebody else's at another. */
export function subjectOf({ flow, identity }: FlowOutcome): string {
  return `${flow.provider} ${identity.subject}`;
}
