import { mapViolation, type Queryable, type QueryOptions } from '@rostrum/data-access';
import type { Person, Profile } from './profile';
import { profilesErrors } from './profiles.errors';

/** The read copy of auth's accounts, with what posts itself knows of them. */
export class ProfilesRepository {
  constructor(private readonly db: Queryable) {}

  /** Makes the row of a person whose token is here before the event of their registration. */
  async ensure({ id, username }: Person): Promise<void> {
    try {
      await this.db.query(
        'ensure_profile',
        `insert into profiles (user_id, username, created_at) values ($1, $2, now())
         on conflict (user_id) do nothing`,
        [id, username],
      );
    } catch (error) {
      throw mapViolation(error, { profiles_username_key: (cause) => profilesErrors.notReady(cause) });
    }
  }

  /** Takes over an account. Where its row is here before the event, only the event knows when the account began. */
  async copy({ id, username }: Person, registeredAt: string): Promise<void> {
    await this.db.query(
      'copy_profile',
      `insert into profiles (user_id, username, created_at) values ($1, $2, $3)
       on conflict (user_id) do update set created_at = excluded.created_at
         where profiles.created_at <> excluded.created_at`,
      [id, username, registeredAt],
    );
  }

  async findByUsername(username: string, options?: QueryOptions): Promise<Profile | undefined> {
    const { rows } = await this.db.query<Profile>(
      'find_profile',
      `select user_id as id, username, followers, following, created_at as "createdAt",
              (suspended_at is not null or deleted_at is not null) as "isGone"
         from profiles where username = $1`,
      [username],
      options,
    );
    return rows[0];
  }
}
