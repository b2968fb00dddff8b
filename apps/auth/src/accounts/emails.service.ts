import { problems } from '@rostrum/errors';
import type { Database, Transaction } from '@rostrum/data-access';
import type { Write } from '@rostrum/service-kit';
import type { AuditOrigin } from '../audit/audit-event';
import type { AuditLog } from '../audit/audit-log';
import type { MailJobs } from '../mail/mail-jobs';
import type { OneTimeTokens } from '../mail/one-time-tokens';
import type { TokenFacts } from '../mail/one-time-tokens.repository';
import type { PasswordProof, ProofRequest } from '../passwords/password-proof';
import { accountDocument, type AccountDocument } from './account-document';
import { accountsErrors } from './accounts.errors';
import { AccountsRepository } from './accounts.repository';
import type { Addresses } from './addresses';

export interface EmailsDependencies {
  database: Database;
  addresses: Addresses;
  proof: PasswordProof;
  tokens: OneTimeTokens;
  effects: {
    mail: Pick<MailJobs, 'add'>;
    audit: Pick<AuditLog, 'record'>;
    /** Forgets what is cached of the account. */
    forget: (userId: string) => Promise<void>;
  };
}

export interface EmailChange extends ProofRequest {
  email: string;
  /** What the client has read, where it says so. */
  ifMatch: string | undefined;
}

/** People's addresses: that they are theirs, and new ones. */
export class EmailsService {
  constructor(private readonly dependencies: EmailsDependencies) {}

  /** The old address stays until the new one has been shown to be theirs. */
  async change(
    { email, ifMatch, ...request }: EmailChange,
    write: Write<AccountDocument>,
  ): Promise<AccountDocument> {
    const { database, addresses, proof, effects } = this.dependencies;
    const { userId, from } = request;
    const { account } = await proof.require(request);
    const before = accountDocument(await addresses.read(database, account));
    if (ifMatch !== undefined && ifMatch !== '*' && ifMatch !== before.etag)
      throw problems.preconditionFailed();
    return write(async (trx) => {
      const accounts = new AccountsRepository(trx);
      await accounts.setPendingEmail(userId, await addresses.seal(trx, userId, email));
      await effects.mail.add(trx, { kind: 'change-email', userId });
      trx.onCommit(() => effects.forget(userId));
      await this.note(trx, { action: 'email.change-requested', userId, from });
      const row = await accounts.find(userId);
      if (!row) throw accountsErrors.gone();
      return accountDocument(await addresses.read(trx, row));
    });
  }

  resend(userId: string, write: Write<void>): Promise<void> {
    return write(async (trx) => {
      const pending = await new AccountsRepository(trx).findPendingEmail(userId);
      const kind = pending ? 'change-email' : 'verify-email';
      await this.dependencies.effects.mail.add(trx, { kind, userId });
    });
  }

  async verify(token: string, from: AuditOrigin): Promise<void> {
    const { database, tokens, effects } = this.dependencies;
    await database.transaction(async (trx) => {
      const used = await tokens.use(trx, token, ['verify-email', 'change-email']);
      const verified = used && (await this.settle(trx, used));
      if (!used || !verified) throw accountsErrors.invalidToken();
      trx.onCommit(() => effects.forget(used.userId));
      const action = used.purpose === 'change-email' ? 'email.changed' : 'email.verified';
      await this.note(trx, { action, userId: used.userId, from });
    });
  }

  private async settle(trx: Transaction, { userId, purpose, emailIndex }: TokenFacts): Promise<boolean> {
    const accounts = new AccountsRepository(trx);
    if (purpose !== 'change-email') return accounts.verifyEmail(userId, emailIndex);
    const row = await accounts.find(userId);
    if (!row) return false;
    const { email, username, emailVerified } = await this.dependencies.addresses.read(trx, row);
    if (!(await accounts.takePendingEmail(userId, emailIndex))) return false;
    const details = { username };
    if (emailVerified)
      await this.dependencies.effects.mail.add(trx, { kind: 'email-changed', to: email, details });
    return true;
  }

  private async note(trx: Transaction, { action, userId, from }: EmailNote): Promise<void> {
    const actor = { kind: 'user' as const, id: userId };
    await this.dependencies.effects.audit.record(trx, {
      action,
      result: 'succeeded',
      actor,
      subjectId: userId,
      from,
    });
  }
}

interface EmailNote {
  action: `email.${string}`;
  userId: string;
  from: AuditOrigin;
}
