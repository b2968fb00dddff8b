import type { Queryable } from '@rostrum/data-access';

/**
 * What is left to do about an account: `refresh` what caches hold of it, `welcome` those who wait to follow it, `erase`
 * all that is kept of it.
 */
export type AccountJobKind = 'refresh' | 'welcome' | 'erase';

export interface AccountJob {
  userId: string;
  kind: AccountJobKind;
}

/** What the worker does about accounts, some at a time, until it is done: whoever dies over it leaves the rest to others. */
export class AccountJobsRepository {
  constructor(private readonly db: Queryable) {}

  async add(userId: string, kind: AccountJobKind): Promise<void> {
    await this.db.query(
      'add_account_job',
      'insert into account_jobs (user_id, kind) values ($1, $2) on conflict do nothing',
      [userId, kind],
    );
  }

  /** The oldest ones; their order is that in which they came. */
  async oldest(limit: number): Promise<AccountJob[]> {
    const { rows } = await this.db.query<AccountJob>(
      'list_account_jobs',
      'select user_id as "userId", kind from account_jobs order by created_at, user_id, kind limit $1',
      [limit],
    );
    return rows;
  }

  /** Holds it for this transaction. False where another worker has it, or it is done. */
  async take({ userId, kind }: AccountJob): Promise<boolean> {
    const { rowCount } = await this.db.query(
      'take_account_job',
      'select from account_jobs where user_id = $1 and kind = $2 for update skip locked',
      [userId, kind],
    );
    return rowCount > 0;
  }

  async finish({ userId, kind }: AccountJob): Promise<void> {
    await this.db.query('finish_account_job', 'delete from account_jobs where user_id = $1 and kind = $2', [
      userId,
      kind,
    ]);
  }

  async count(): Promise<number> {
    const { rows } = await this.db.query<{ waiting: number }>(
      'count_account_jobs',
      'select count(*)::int as waiting from account_jobs',
    );
    return rows[0]?.waiting ?? 0;
  }
}
