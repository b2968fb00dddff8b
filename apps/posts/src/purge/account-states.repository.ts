import type { Queryable } from '@rostrum/data-access';

/** No name that anybody can have: what is left of an account that is erased. */
const erasedName = `'~' || user_id`;

/** Suspended by an admin, or about to be deleted as they have asked for. */
export type HidingReason = 'suspended' | 'leaving';

/** What auth has decided of accounts. Each answers the name of the account, for what is kept under it. */
export class AccountStatesRepository {
  constructor(private readonly db: Queryable) {}

  hide(userId: string, reason: HidingReason, at: string): Promise<string | undefined> {
    return this.change(
      'hide_profile',
      `update profiles
          set suspended_at = coalesce(suspended_at, $3), hidden_for = array_append(array_remove(hidden_for, $2), $2)
        where user_id = $1`,
      [userId, reason, at],
    );
  }

  /** In sight again, unless there is another reason. */
  show(userId: string, reason: HidingReason): Promise<string | undefined> {
    return this.change(
      'show_profile',
      `update profiles
          set suspended_at = case when array_remove(hidden_for, $2) = '{}' then null else suspended_at end,
              hidden_for = array_remove(hidden_for, $2)
        where user_id = $1`,
      [userId, reason],
    );
  }

  /** What they say of themselves goes at once. Whoever has never been here has a row that says that they are gone. */
  markDeleted(userId: string, at: string): Promise<string | undefined> {
    return this.change(
      'delete_profile',
      `insert into profiles (user_id, username, created_at, deleted_at) values ($1, '~' || $1::uuid, now(), $2)
       on conflict (user_id) do update
          set deleted_at = excluded.deleted_at, display_name = null, bio = null, avatar_id = null`,
      [userId, at],
    );
  }

  /** The row stays, so that nothing that comes late makes a new one. */
  async anonymise(userId: string): Promise<void> {
    await this.db.query(
      'anonymise_profile',
      `update profiles
          set username = ${erasedName}, created_at = deleted_at, suspended_at = null, hidden_for = '{}',
              is_private = false
        where user_id = $1 and deleted_at is not null`,
      [userId],
    );
  }

  async nameOf(userId: string): Promise<string | undefined> {
    const { rows } = await this.db.query<{ username: string }>(
      'find_name',
      'select username from profiles where user_id = $1',
      [userId],
    );
    return rows[0]?.username;
  }

  async stateOf(userId: string): Promise<{ isPrivate: boolean; isGone: boolean } | undefined> {
    const { rows } = await this.db.query<{ isPrivate: boolean; isGone: boolean }>(
      'find_account_state',
      `select is_private as "isPrivate", (suspended_at is not null or deleted_at is not null) as "isGone"
         from profiles where user_id = $1`,
      [userId],
    );
    return rows[0];
  }

  private async change(name: string, text: string, values: readonly unknown[]): Promise<string | undefined> {
    const { rows } = await this.db.query<{ username: string }>(name, `${text} returning username`, values);
    return rows[0]?.username;
  }
}
