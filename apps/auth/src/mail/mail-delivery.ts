import type { Database } from '@rostrum/data-access';
import type { BusinessEvents } from '../business-events';
import type { MailComposer } from './mail-composer';
import type { MailJob } from './mail-job';
import { MailJobsRepository, type MailOutcome } from './mail-jobs.repository';
import { renderMail } from './render-mail';
import type { SendResult, SmtpSender } from './smtp-sender';

export interface MailDeliveryDependencies {
  database: Database;
  composer: Pick<MailComposer, 'compose'>;
  sender: Pick<SmtpSender, 'send'>;
  events: Pick<BusinessEvents, 'mailDone' | 'mailPostponed'>;
  onError: (error: unknown) => void;
}

const batch = 10;
/** Longer than sending a batch can take. */
const leaseSeconds = 300;
const mostAttempts = 10;
const longestRetrySeconds = 3_600;
/** What could not be sent for a day is of no use any more. */
const longestAgeMs = 86_400_000;

/** Sends the mail that waits, in any number of workers: each job is taken by one, and by another if that one dies. */
export class MailDelivery {
  private readonly jobs: MailJobsRepository;

  constructor(
    private readonly dependencies: MailDeliveryDependencies,
    /** The first wait after a try that failed; each further one is twice as long. */
    private readonly firstRetrySeconds: number,
  ) {
    this.jobs = new MailJobsRepository(dependencies.database);
  }

  /** Sends all that is due. */
  async round(): Promise<void> {
    let jobs: MailJob[];
    do {
      jobs = await this.jobs.take(batch, leaseSeconds);
      await Promise.all(jobs.map((job) => this.handle(job)));
    } while (jobs.length === batch);
  }

  private async handle(job: MailJob): Promise<void> {
    try {
      const mail = await this.dependencies.composer.compose(job);
      if (!mail) return await this.finish(job, 'dropped');
      const result = await this.dependencies.sender.send({
        id: job.id,
        to: mail.to,
        ...renderMail(mail.text),
      });
      await this.settle(job, result);
    } catch (error) {
      // PostgreSQL or the keeper of keys does not answer: when the lease is over the job is due again.
      this.dependencies.onError(error);
    }
  }

  private async settle(job: MailJob, result: SendResult): Promise<void> {
    if (result.outcome === 'sent') return this.finish(job, 'sent');
    const { outcome, reason } = result;
    const tooOld = Date.now() - job.createdAt.getTime() > longestAgeMs;
    // While nobody answers there is no reason to give up a mail, except its age.
    const tooOften = outcome === 'later' && job.attempts >= mostAttempts;
    if (outcome === 'refused' || tooOld || tooOften) return this.finish(job, 'dead', reason);
    const waitSeconds = this.firstRetrySeconds * 2 ** Math.min(job.attempts - 1, 20);
    await this.jobs.postpone(job.id, Math.min(longestRetrySeconds, waitSeconds), reason);
    this.dependencies.events.mailPostponed(job.kind, reason);
  }

  private async finish(job: MailJob, outcome: MailOutcome, reason?: string): Promise<void> {
    await this.jobs.finish(job.id, outcome, reason);
    this.dependencies.events.mailDone(job.kind, { outcome, mailId: job.id, reason });
  }
}
