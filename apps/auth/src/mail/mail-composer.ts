import type { Database } from '@rostrum/data-access';
import type { Envelope } from '@rostrum/security';
import type { AccountRow } from '../accounts/account';
import { AccountsRepository } from '../accounts/accounts.repository';
import type { Addresses } from '../accounts/addresses';
import type { MailJob, MailKind } from './mail-job';
import { placeOfRecipient } from './mail-jobs';
import { MailJobsRepository } from './mail-jobs.repository';
import { addressInUse, mailTexts, type MailFacts, type MailText } from './mail-texts';
import type { OneTimeTokens } from './one-time-tokens';
import type { TokenPurpose } from './one-time-tokens.repository';

export interface MailComposerDependencies {
  database: Database;
  addresses: Addresses;
  tokens: OneTimeTokens;
  envelope: Pick<Envelope, 'open'>;
}

export interface ComposedMail {
  to: string;
  text: MailText;
}

const hour = 3_600;

/** Nobody's mailbox is filled by somebody who knows nothing but its address. */
const mostPerHour: Record<MailKind, number> = {
  'verify-email': 5,
  'change-email': 5,
  'email-changed': 5,
  'reset-password': 5,
  'password-changed': 10,
  'token-replayed': 10,
  'sign-in-changed': 20,
  'new-device': 5,
  'account-deletion': 5,
  'account-restored': 5,
  'account-deleted': 1,
  'notification-digest': 1,
};

const tokenSeconds: Record<TokenPurpose, number> = {
  'verify-email': 24 * hour,
  'change-email': 24 * hour,
  'reset-password': hour / 2,
};

/** Finds out whom a job means and what it has to say; undefined where that is nobody, or nothing any more. */
export class MailComposer {
  private readonly accounts: AccountsRepository;
  private readonly jobs: MailJobsRepository;

  constructor(
    private readonly dependencies: MailComposerDependencies,
    private readonly webUrl: string,
  ) {
    this.accounts = new AccountsRepository(dependencies.database);
    this.jobs = new MailJobsRepository(dependencies.database);
  }

  compose(job: MailJob): Promise<ComposedMail | undefined> {
    switch (job.kind) {
      case 'verify-email':
        return this.verification(job);
      case 'change-email':
        return this.change(job);
      case 'reset-password':
        return this.reset(job);
      default:
        return job.toSealed ? this.toFormer(job, job.toSealed) : this.notice(job);
    }
  }

  private async verification(job: MailJob): Promise<ComposedMail | undefined> {
    const account = await this.accountOf(job);
    if (!account?.emailSealed || account.emailVerified) return undefined;
    const to = await this.addressOf(account, account.emailSealed);
    return this.toClaimed(job, { account, to, purpose: 'verify-email' });
  }

  private async change(job: MailJob): Promise<ComposedMail | undefined> {
    const account = await this.accountOf(job);
    const pending = account && (await this.accounts.findPendingEmail(account.id));
    if (!account || !pending) return undefined;
    const to = await this.addressOf(account, pending.sealed);
    return this.toClaimed(job, { account, to, purpose: 'change-email' });
  }

  /** To an address that the account claims: if it is somebody's already, they are told and the claim is not. */
  private async toClaimed(
    job: MailJob,
    { account, to, purpose }: { account: AccountRow; to: string; purpose: TokenPurpose },
  ): Promise<ComposedMail | undefined> {
    const { index } = this.dependencies.addresses;
    const [first] = await this.accounts.findByEmail({ email: to, indexes: index.all(to) });
    const owner = first?.account.emailVerified && first.account.id !== account.id ? first.account : undefined;
    const addressee = owner ?? account;
    await this.jobs.assign(job.id, addressee.id);
    if (await this.isTooMuch(job, addressee.id)) return undefined;
    if (owner) {
      const details = { claimedBy: account.username };
      return { to, text: addressInUse(this.facts(owner, details)) };
    }
    return { to, text: await this.withToken(job, { account, purpose, emailIndex: index.of(to) }) };
  }

  private async reset(job: MailJob): Promise<ComposedMail | undefined> {
    if (!job.emailIndex) return undefined;
    const [found] = await this.accounts.findByEmail({ email: '', indexes: [job.emailIndex] });
    if (!found?.account.emailSealed) return undefined;
    const { account } = found;
    await this.jobs.assign(job.id, account.id);
    if (await this.isTooMuch(job, account.id)) return undefined;
    const to = await this.addressOf(account, found.account.emailSealed);
    const text = await this.withToken(job, {
      account,
      purpose: 'reset-password',
      emailIndex: job.emailIndex,
    });
    return { to, text };
  }

  /** To people about their own account, at an address that they have shown to be theirs. */
  private async notice(job: MailJob): Promise<ComposedMail | undefined> {
    const account = await this.accountOf(job);
    if (!account?.emailSealed || !account.emailVerified || (await this.isTooMuch(job, account.id)))
      return undefined;
    const to = await this.addressOf(account, account.emailSealed);
    return { to, text: mailTexts[job.kind](this.facts(account, job.details)) };
  }

  /** To an address that was the account's; the account itself may be gone by now. */
  private async toFormer(job: MailJob, toSealed: Buffer): Promise<ComposedMail> {
    const to = await this.dependencies.envelope.open(toSealed, placeOfRecipient(job.id));
    const username = job.details['username'] ?? '';
    return { to: to.toString(), text: mailTexts[job.kind](this.facts({ username }, job.details)) };
  }

  private async withToken(
    job: MailJob,
    { account, purpose, emailIndex }: { account: AccountRow; purpose: TokenPurpose; emailIndex: Buffer },
  ): Promise<MailText> {
    const token = await this.dependencies.tokens.make(this.dependencies.database, {
      id: job.id,
      userId: account.id,
      purpose,
      emailIndex,
      seconds: tokenSeconds[purpose],
    });
    return mailTexts[job.kind]({ ...this.facts(account, job.details), token });
  }

  private async isTooMuch(job: MailJob, userId: string): Promise<boolean> {
    return (await this.jobs.countBefore(job, userId, hour)) >= mostPerHour[job.kind];
  }

  private accountOf({ userId }: MailJob): Promise<AccountRow | undefined> {
    return userId === null ? Promise.resolve(undefined) : this.accounts.find(userId);
  }

  private addressOf({ id }: AccountRow, sealed: Buffer): Promise<string> {
    return this.dependencies.addresses.open(this.dependencies.database, id, sealed);
  }

  private facts(
    { username }: Pick<AccountRow, 'username'>,
    details: Readonly<Record<string, string>>,
  ): MailFacts {
    return { username, webUrl: this.webUrl, details };
  }
}
