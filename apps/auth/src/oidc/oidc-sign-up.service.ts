import { randomBytes } from 'node:crypto';
import type { Database, Transaction } from '@rostrum/data-access';
import type { Account } from '../accounts/account';
import { accountsErrors } from '../accounts/accounts.errors';
import { AccountsRepository } from '../accounts/accounts.repository';
import type { RegistrationService } from '../accounts/registration.service';
import type { AuditOrigin } from '../audit/audit-event';
import type { FactorChanges } from '../mfa/factor-changes';
import type { KeyedIndex } from '../secrets/keyed-index';
import type { SessionMode } from '../sessions/session';
import type { SessionStarter, SignedIn } from '../sessions/session-starter';
import { IdentitiesRepository } from './identities.repository';
import { subjectOf, type FlowEnd, type FlowOutcome, type OidcFlows } from './oidc-flows';
import { oidcErrors } from './oidc.errors';

export interface OidcSignUpDependencies {
  database: Database;
  flows: OidcFlows;
  indexes: { subjects: KeyedIndex; emails: KeyedIndex };
  registration: Pick<RegistrationService, 'register'>;
  effects: { starter: Pick<SessionStarter, 'start'>; changes: Pick<FactorChanges, 'note'> };
}

const passwordBytes = 32;

/**
 * Makes accounts for whom a provider knows. Their address is one that the provider has verified, so they may be told
 * that it is taken. A password that nobody knows stands where others have theirs: a mail lets them choose one.
 */
export class OidcSignUpService {
  constructor(private readonly dependencies: OidcSignUpDependencies) {}

  begin(provider: string, mode: SessionMode) {
    return this.dependencies.flows.begin('oidc-sign-up', { provider, mode });
  }

  async signUp(
    { username, ...end }: FlowEnd & { username: string },
    { from, signal }: { from: AuditOrigin; signal: AbortSignal },
  ): Promise<SignedIn> {
    const { database, flows, registration, effects } = this.dependencies;
    const outcome = await flows.end('oidc-sign-up', end);
    const { email, emailVerified } = outcome.identity;
    if (email === undefined || !emailVerified) throw oidcErrors.unverified();
    const password = randomBytes(passwordBytes).toString('base64url');
    const { id } = await registration.register({ email, username, password }, { from, signal }, (work) =>
      database.transaction(async (trx) => {
        const made = await work(trx);
        await this.prove(trx, made, { outcome, from });
        return made;
      }),
    );
    const account = await new AccountsRepository(database).find(id);
    if (!account) throw accountsErrors.gone();
    const place = { mode: outcome.flow.mode, from, device: undefined };
    return effects.starter.start({ account, methods: ['oidc'] }, place);
  }

  /** The address is theirs, and the identity opens the account from now on. */
  private async prove(
    trx: Transaction,
    { id: userId, email }: Account,
    { outcome, from }: { outcome: FlowOutcome; from: AuditOrigin },
  ): Promise<void> {
    const { indexes, effects } = this.dependencies;
    const { provider } = outcome.flow;
    const subject = subjectOf(outcome);
    const identities = new IdentitiesRepository(trx);
    const isKnown = await identities.findUser(provider, indexes.subjects.all(subject));
    if (isKnown || !(await identities.insert(userId, provider, indexes.subjects.of(subject))))
      throw oidcErrors.taken();
    const change = { action: 'identity.linked', change: 'identity-linked' } as const;
    await effects.changes.note(trx, { ...change, userId, target: { provider }, from });
    // Last: whoever has shown that the address is theirs makes the statement fail, and with it the transaction.
    await new AccountsRepository(trx).verifyEmail(userId, indexes.emails.of(email));
  }
}
