import type { Queryable } from '@rostrum/data-access';
import type { Envelope } from '@rostrum/security';
import { v7 as uuidv7 } from 'uuid';
import type { NewMailJob } from './mail-job';
import { MailJobsRepository } from './mail-jobs.repository';

/** Where an address stands that is not the account's any more. */
export function placeOfRecipient(jobId: string) {
  return { table: 'mail_jobs', column: 'to_sealed', row: jobId };
}

/** Writes down which mail is to be sent. The worker sends it; no request waits for a mail server. */
export class MailJobs {
  constructor(private readonly envelope: Pick<Envelope, 'seal'>) {}

  /** Sent if, and only if, the transaction commits. */
  async add(db: Queryable, { to, ...job }: NewMailJob): Promise<void> {
    const id = uuidv7();
    const toSealed = to === undefined ? undefined : await this.envelope.seal(to, placeOfRecipient(id));
    await new MailJobsRepository(db).insert({ ...job, id, toSealed });
  }
}
