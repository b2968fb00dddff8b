import type { Database } from '@rostrum/data-access';
import { isAppError, problems } from '@rostrum/errors';
import { AccountsRepository } from '../accounts/accounts.repository';
import type { AuditOrigin } from '../audit/audit-event';
import type { AuditLog } from '../audit/audit-log';
import type { BusinessEvents } from '../business-events';
import type { FactorChanges } from '../mfa/factor-changes';
import type { OwnerProof, OwnerProofBody, OwnerRequest } from '../mfa/owner-proof';
import type { RecentFactor, SessionOwner } from '../mfa/step-up.service';
import type { KeyedIndex } from '../secrets/keyed-index';
import type { SecondFactors } from '../sessions/second-factors';
import type { SessionMode } from '../sessions/session';
import type { SessionStarter } from '../sessions/session-starter';
import { IdentitiesRepository } from './identities.repository';
import type { LinkedIdentity } from './identity';
import { subjectOf, type FlowEnd, type OidcFlows } from './oidc-flows';
import { oidcErrors } from './oidc.errors';

export interface OidcDependencies {
  database: Database;
  flows: OidcFlows;
  subjects: KeyedIndex;
  sessions: { starter: Pick<SessionStarter, 'start'>; secondFactors: SecondFactors };
  notes: { audit: Pick<AuditLog, 'notingRefusals'>; events: Pick<BusinessEvents, 'signInRefused'> };
  owner: { proof: OwnerProof; recent: Pick<RecentFactor, 'require'>; changes: FactorChanges };
}

/** Signing in at identity providers. An identity opens the account that its owner has linked it to, and no other. */
export class OidcService {
  constructor(private readonly dependencies: OidcDependencies) {}

  beginLogin(provider: string, mode: SessionMode) {
    return this.dependencies.flows.begin('oidc-sign-in', { provider, mode });
  }

  /** Refusals are written down as those of other ways to sign in are. */
  login(end: FlowEnd, from: AuditOrigin) {
    const refused = { action: 'session.started', actor: { kind: 'anonymous' }, from } as const;
    return this.dependencies.notes.audit.notingRefusals(refused, () => this.signIn(end, from));
  }

  async beginLink(provider: string, shown: OwnerProofBody, request: OwnerRequest) {
    const { flows, owner } = this.dependencies;
    flows.clientOf(provider);
    await owner.proof.require(shown, request);
    return flows.begin('oidc-link', { provider, mode: 'bearer' }, request.owner.userId);
  }

  async link(end: FlowEnd, { userId }: SessionOwner, from: AuditOrigin): Promise<void> {
    const { database, subjects, flows, owner } = this.dependencies;
    const outcome = await flows.end('oidc-link', end, userId);
    if (!outcome.identity.emailVerified) throw oidcErrors.unverified();
    const { provider } = outcome.flow;
    await database.transaction(async (trx) => {
      const identities = new IdentitiesRepository(trx);
      const subject = subjectOf(outcome);
      const isKnown = await identities.findUser(provider, subjects.all(subject));
      if (isKnown || !(await identities.insert(userId, provider, subjects.of(subject))))
        throw oidcErrors.taken();
      const change = { action: 'identity.linked', change: 'identity-linked' } as const;
      await owner.changes.note(trx, { ...change, userId, target: { provider }, from });
    });
  }

  list(userId: string): Promise<LinkedIdentity[]> {
    return new IdentitiesRepository(this.dependencies.database).list(userId);
  }

  async unlink(session: SessionOwner, provider: string, from: AuditOrigin): Promise<void> {
    const { database, owner } = this.dependencies;
    const { userId } = session;
    await owner.recent.require(session);
    await database.transaction(async (trx) => {
      if (!(await new IdentitiesRepository(trx).remove(userId, provider)))
        throw problems.notFound('identity');
      const change = { action: 'identity.unlinked', change: 'identity-unlinked' } as const;
      await owner.changes.note(trx, { ...change, userId, target: { provider }, from });
    });
  }

  private async signIn(end: FlowEnd, from: AuditOrigin) {
    const { sessions } = this.dependencies;
    const { account, mode } = await this.recognise(end);
    const proof = { account, methods: ['oidc'] };
    const place = { mode, from, device: undefined };
    return (await sessions.secondFactors.challenge(proof, place)) ?? sessions.starter.start(proof, place);
  }

  private async recognise(end: FlowEnd) {
    const { database, subjects, flows, notes } = this.dependencies;
    try {
      const outcome = await flows.end('oidc-sign-in', end);
      const { provider, mode } = outcome.flow;
      const identities = new IdentitiesRepository(database);
      const userId = await identities.findUser(provider, subjects.all(subjectOf(outcome)));
      const account = userId && (await new AccountsRepository(database).find(userId));
      if (!account) throw oidcErrors.notLinked();
      return { account, mode };
    } catch (error) {
      // A provider that is away has refused nobody.
      if (isAppError(error) && error.status < 500) notes.events.signInRefused();
      throw error;
    }
  }
}
