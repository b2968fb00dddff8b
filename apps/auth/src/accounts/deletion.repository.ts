import type { Queryable } from '@rostrum/data-access';

export class DeletionRepository {
  constructor(private readonly db: Queryable) {}

  /** Undefined where it has been asked for before. */
  async request(userId: string, graceSeconds: number): Promise<Date | undefined> {
    const { rows } = await this.db.query<{ purgeAfter: Date }>(
      'request_deletion',
      `update users set deletion_requested_at = now(), purge_after = now() + $2 * interval '1 second',
              credentials_version = credentials_version + 1, version = version + 1
        where id = $1 and deletion_requested_at is null returning purge_after as "purgeAfter"`,
      [userId, graceSeconds],
    );
    return rows[0]?.purgeAfter;
  }

  /** Whether there was anything to take back. */
  async withdraw(userId: string): Promise<boolean> {
    const { rowCount } = await this.db.query(
      'withdraw_deletion',
      `update users set deletion_requested_at = null, purge_after = null, version = version + 1
        where id = $1 and deletion_requested_at is not null`,
      [userId],
    );
    return rowCount > 0;
  }

  /** Somebody whose grace is over, held against a sign-in that would keep them. */
  async takeDue(): Promise<{ id: string; username: string } | undefined> {
    const { rows } = await this.db.query<{ id: string; username: string }>(
      'take_due_deletion',
      `select id, username from users where purge_after <= now() order by purge_after limit 1 for update skip locked`,
    );
    return rows[0];
  }

  /** All that hangs on the row goes with it; what was answered to writes hangs on none. */
  async remove(userId: string): Promise<void> {
    await this.db.query('remove_kept_answers', 'delete from idempotency_keys where user_id = $1', [userId]);
    await this.db.query('remove_user', 'delete from users where id = $1', [userId]);
  }

  /** Nobody else can be who they were: posts of theirs that others have quoted keep their name. */
  async retireName(nameIndex: Buffer): Promise<void> {
    await this.db.query(
      'retire_username',
      'insert into retired_usernames (name_index) values ($1) on conflict do nothing',
      [nameIndex],
    );
  }
}
