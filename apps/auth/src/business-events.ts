import { currentContext, type Metrics, type RostrumLogger } from '@rostrum/observability';
import { mailKinds, type MailKind } from './mail/mail-job';
import type { MailOutcome } from './mail/mail-jobs.repository';
import type { EndReason } from './sessions/session';

interface Eyes {
  logger: Pick<RostrumLogger, 'info' | 'warn' | 'error'>;
  metrics: Pick<Metrics, 'counter'>;
}

const signInOutcomes = ['succeeded', 'refused', 'delayed', 'suspended'] as const;
const refreshOutcomes = ['rotated', 'repeated', 'spared', 'replayed', 'over', 'unknown'] as const;
const mailOutcomes = ['sent', 'dropped', 'dead', 'postponed'] as const;

/** What happens in this service that people outside engineering would count: one log line and one counter each. */
export class BusinessEvents {
  private readonly logger: Eyes['logger'];
  private readonly registrations;
  private readonly deletions;
  private readonly signIns;
  private readonly refreshes;
  private readonly endings;
  private readonly passwords;
  private readonly mails;

  constructor({ logger, metrics }: Eyes) {
    this.logger = logger;
    this.registrations = metrics.counter('users_registered_total', 'Accounts made');
    this.deletions = metrics.counter('users_deleted_total', 'Accounts deleted for good');
    this.signIns = metrics.counter('sign_ins_total', 'Tries to sign in, by their outcome', ['outcome']);
    this.refreshes = metrics.counter('token_refreshes_total', 'Refresh tokens shown, by what came of it', [
      'outcome',
    ]);
    this.endings = metrics.counter('sessions_ended_total', 'Sessions that ended before their time', [
      'reason',
    ]);
    this.passwords = metrics.counter('passwords_changed_total', 'Passwords changed, by how', ['how']);
    this.mails = metrics.counter('mails_total', 'Mails, by what became of them', ['kind', 'outcome']);
    for (const outcome of signInOutcomes) this.signIns.inc({ outcome }, 0);
    for (const outcome of refreshOutcomes) this.refreshes.inc({ outcome }, 0);
    for (const how of ['changed', 'reset']) this.passwords.inc({ how }, 0);
    for (const kind of mailKinds) for (const outcome of mailOutcomes) this.mails.inc({ kind, outcome }, 0);
  }

  userRegistered(userId: string): void {
    this.registrations.inc();
    claimRequest(userId);
    this.logger.info('User registered');
  }

  userDeleted(userId: string): void {
    this.deletions.inc();
    this.logger.info('User deleted for good', { user_id: userId });
  }

  userSignedIn(userId: string): void {
    this.signIns.inc({ outcome: 'succeeded' });
    claimRequest(userId);
    this.logger.info('User signed in');
  }

  backgroundTaskFailed(error: unknown): void {
    this.logger.warn('Something that no answer waited for has failed', { error });
  }

  /** Says nothing of who it was: what people type as their name is, now and then, their password. */
  signInRefused(): void {
    this.signIns.inc({ outcome: 'refused' });
    this.logger.info('Sign-in refused');
  }

  signInDelayed(): void {
    this.signIns.inc({ outcome: 'delayed' });
    this.logger.info('Sign-in refused for a while');
  }

  suspendedSignIn(userId: string): void {
    this.signIns.inc({ outcome: 'suspended' });
    claimRequest(userId);
    this.logger.info('Sign-in of a suspended user');
  }

  tokenRefreshed(outcome: (typeof refreshOutcomes)[number]): void {
    this.refreshes.inc({ outcome });
    if (outcome === 'replayed') this.logger.warn('A refresh token was used again: its session has ended');
  }

  sessionsEnded(reason: EndReason, count: number): void {
    this.endings.inc({ reason }, count);
    this.logger.info('Sessions ended', { reason, count });
  }

  passwordChanged(how: 'changed' | 'reset', userId: string): void {
    this.passwords.inc({ how });
    claimRequest(userId);
    this.logger.info(`Password ${how}`);
  }

  mailDone(
    kind: MailKind,
    about: { outcome: MailOutcome; mailId: string; reason: string | undefined },
  ): void {
    const { outcome, mailId, reason } = about;
    this.mails.inc({ kind, outcome });
    if (outcome === 'dead') this.logger.error('A mail was given up', { kind, mail_id: mailId, reason });
    else this.logger.info(`Mail ${outcome}`, { kind, mail_id: mailId });
  }

  mailPostponed(kind: MailKind, reason: string): void {
    this.mails.inc({ kind, outcome: 'postponed' });
    this.logger.warn('A mail could not be sent now', { kind, reason });
  }
}

/** From here on it is known whose request it is, so all its lines say so. */
function claimRequest(userId: string): void {
  const context = currentContext();
  if (context) context.userId = userId;
}
