import type { Queryable } from '@rostrum/data-access';
import type { StoredPassword } from '../accounts/account';

export class PasswordsRepository {
  constructor(private readonly db: Queryable) {}

  /** The same password under a stronger hash, unless it has been changed meanwhile. */
  async replace(
    userId: string,
    { stored, renewed }: { stored: StoredPassword; renewed: StoredPassword },
  ): Promise<void> {
    await this.db.query(
      'renew_password_hash',
      'update passwords set hash = $3, pepper = $4 where user_id = $1 and hash = $2',
      [userId, stored.hash, renewed.hash, renewed.pepper],
    );
  }

  async set(userId: string, { hash, pepper }: StoredPassword): Promise<void> {
    await this.db.query(
      'set_password',
      `insert into passwords (user_id, hash, pepper) values ($1, $2, $3)
       on conflict (user_id) do update set hash = excluded.hash, pepper = excluded.pepper, changed_at = now()`,
      [userId, hash, pepper],
    );
  }

  async changedAt(userId: string): Promise<Date | undefined> {
    const { rows } = await this.db.query<{ changedAt: Date }>(
      'password_changed_at',
      'select changed_at as "changedAt" from passwords where user_id = $1',
      [userId],
    );
    return rows[0]?.changedAt;
  }
}
