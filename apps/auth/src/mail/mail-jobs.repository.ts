import type { Queryable } from '@rostrum/data-access';
import type { MailJob, MailKind, NewMailJob } from './mail-job';

const job = `id, kind, user_id as "userId", email_index as "emailIndex", to_sealed as "toSealed", details,
  created_at as "createdAt", attempts`;

export type MailOutcome = 'sent' | 'dropped' | 'dead';

interface InsertedJob extends Omit<NewMailJob, 'to'> {
  id: string;
  toSealed: Buffer | undefined;
}

/** A mail that was given up, for operators. */
export interface DeadMail {
  id: string;
  kind: MailKind;
  createdAt: Date;
  attempts: number;
  error: string | null;
}

export class MailJobsRepository {
  constructor(private readonly db: Queryable) {}

  async insert({ id, kind, userId, emailIndex, toSealed, details }: InsertedJob): Promise<void> {
    await this.db.query(
      'insert_mail_job',
      `insert into mail_jobs (id, kind, user_id, email_index, to_sealed, details) values ($1, $2, $3, $4, $5, $6)`,
      [id, kind, userId ?? null, emailIndex ?? null, toSealed ?? null, JSON.stringify(details ?? {})],
    );
  }

  /** Takes jobs that are due for so long; one whose taker dies is due again after that. */
  async take(limit: number, leaseSeconds: number): Promise<MailJob[]> {
    const { rows } = await this.db.query<MailJob>(
      'take_mail_jobs',
      `update mail_jobs set attempts = attempts + 1, due_at = now() + $2 * interval '1 second'
        where id in (select id from mail_jobs where done_at is null and due_at <= now()
                      order by due_at limit $1 for update skip locked)
       returning ${job}`,
      [limit, leaseSeconds],
    );
    return rows;
  }

  /** Whom it went to is not kept. */
  async finish(id: string, outcome: MailOutcome, error?: string): Promise<void> {
    await this.db.query(
      'finish_mail_job',
      `update mail_jobs set done_at = now(), outcome = $2, error = $3,
              to_sealed = case when $2 = 'dead' then to_sealed end
        where id = $1`,
      [id, outcome, error ?? null],
    );
  }

  async postpone(id: string, seconds: number, error: string): Promise<void> {
    await this.db.query(
      'postpone_mail_job',
      `update mail_jobs set due_at = now() + $2 * interval '1 second', error = $3 where id = $1`,
      [id, seconds, error],
    );
  }

  /**
   * How many of this kind somebody has been sent in the last so many seconds, or will be by jobs that came before this
   * one: whoever handles them at the same time counts alike.
   */
  async countBefore(
    { id, kind }: Pick<MailJob, 'id' | 'kind'>,
    userId: string,
    seconds: number,
  ): Promise<number> {
    const { rows } = await this.db.query<{ count: number }>(
      'count_mail_before',
      `select count(*)::int as count from mail_jobs
        where user_id = $2 and kind = $3 and created_at > now() - $4 * interval '1 second' and id < $1
          and (outcome = 'sent' or done_at is null)`,
      [id, userId, kind, seconds],
    );
    return rows[0]?.count ?? 0;
  }

  /** Whom a job for an address turned out to mean. */
  async assign(id: string, userId: string): Promise<void> {
    await this.db.query('assign_mail_job', 'update mail_jobs set user_id = $2 where id = $1', [id, userId]);
  }

  async backlog(): Promise<number> {
    const { rows } = await this.db.query<{ count: number }>(
      'mail_backlog',
      'select count(*)::int as count from mail_jobs where done_at is null',
    );
    return rows[0]?.count ?? 0;
  }

  async listDead(limit: number): Promise<DeadMail[]> {
    const { rows } = await this.db.query<DeadMail>(
      'list_dead_mail',
      `select id, kind, created_at as "createdAt", attempts, error from mail_jobs
        where outcome = 'dead' and done_at is not null order by done_at desc limit $1`,
      [limit],
    );
    return rows;
  }

  /** All that were given up are tried again. */
  async reviveDead(): Promise<number> {
    const { rowCount } = await this.db.query(
      'revive_dead_mail',
      `update mail_jobs set done_at = null, outcome = null, attempts = 0, due_at = now()
        where outcome = 'dead' and done_at is not null`,
    );
    return rowCount;
  }

  async removeDone(seconds: number, limit: number): Promise<number> {
    const { rowCount } = await this.db.query(
      'remove_mail_jobs',
      `delete from mail_jobs where id in (
         select id from mail_jobs where done_at < now() - $1 * interval '1 second' limit $2)`,
      [seconds, limit],
    );
    return rowCount;
  }
}
