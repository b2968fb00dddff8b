import { mapViolation, type Queryable } from '@rostrum/data-access';
import type { Account, AccountRow, AccountWithPassword, StoredPassword } from './account';
import { accountsErrors } from './accounts.errors';
import type { SealedAddress } from './addresses';

const account = `u.id, u.email, u.email_sealed as "emailSealed", u.email_verified_at is not null as "emailVerified",
  u.email_verified_at as "emailVerifiedAt",
  u.username, u.roles, u.created_at as "createdAt", u.version, u.suspended_at as "suspendedAt",
  u.deletion_requested_at as "deletionRequestedAt", u.credentials_version as "credentialsVersion"`;
export const withPassword = `${account}, p.hash, p.pepper from users as u join passwords as p on p.user_id = u.id`;

/** Rows from before addresses were sealed have no index until a worker has made it. */
export const hasEmail = (indexes = '$1', email = '$2') =>
  `(u.email_index = any(${indexes}) or lower(u.email) = ${email})`;

/** Whoever has shown that the address is theirs comes first, then whoever claimed it first. */
export const claimsInOrder = 'order by u.email_verified_at is null, u.created_at';
export const mostClaims = 10;

/** An address that is looked for: in clear for old rows, and as it may be stored. */
export interface SoughtEmail {
  email: string;
  indexes: readonly Buffer[];
}

export interface InsertedAccount {
  account: Account;
  address: SealedAddress;
  password: StoredPassword;
  /** As the username would stand among those that are taken for good. */
  nameIndexes: readonly Buffer[];
}

export interface AccountWithPasswordRow extends AccountRow, StoredPassword {}

export class AccountsRepository {
  constructor(private readonly db: Queryable) {}

  /**
   * False where the username is taken, or was. That is not left to an error of the statement: PostgreSQL would write what it
   * was about into its own log.
   */
  async insert({ account, address, password, nameIndexes }: InsertedAccount): Promise<boolean> {
    const { id, username, roles, createdAt } = account;
    const { rowCount } = await this.db.query(
      'insert_account',
      `with account as (
         insert into users (id, email_sealed, email_index, username, roles, created_at)
         select $1, $2, $3, $4, $5, $6
          where not exists (select 1 from retired_usernames where name_index = any($9))
         on conflict do nothing returning id
       )
       insert into passwords (user_id, hash, pepper) select id, $7, $8 from account`,
      [
        id,
        address.sealed,
        address.index,
        username,
        roles,
        createdAt,
        password.hash,
        password.pepper,
        nameIndexes,
      ],
    );
    return rowCount > 0;
  }

  async find(id: string): Promise<AccountRow | undefined> {
    const { rows } = await this.db.query<AccountRow>(
      'find_account',
      `select ${account} from users as u where u.id = $1`,
      [id],
    );
    return rows[0];
  }

  async findWithPassword(id: string): Promise<AccountWithPassword | undefined> {
    const { rows } = await this.db.query<AccountWithPasswordRow>(
      'find_account_with_password',
      `select ${withPassword} where u.id = $1`,
      [id],
    );
    return rows[0] && split(rows[0]);
  }

  /** Everybody who claims the address; one of them may have shown that it is theirs, and is the first then. */
  async findByEmail({ email, indexes }: SoughtEmail): Promise<AccountWithPassword[]> {
    const { rows } = await this.db.query<AccountWithPasswordRow>(
      'find_accounts_by_email',
      `select ${withPassword} where ${hasEmail()} ${claimsInOrder} limit ${mostClaims}`,
      [indexes, email],
    );
    return rows.map(split);
  }

  /** The hash of whoever is the first to claim the address; one row, whether or not there is somebody. */
  async findFirstHash({ email, indexes }: SoughtEmail): Promise<string | undefined> {
    const { rows } = await this.db.query<{ hash: string | null }>(
      'find_first_hash',
      `select (select p.hash from users as u join passwords as p on p.user_id = u.id
                where ${hasEmail()} ${claimsInOrder} limit 1) as hash`,
      [indexes, email],
    );
    return rows[0]?.hash ?? undefined;
  }

  /** False where the account has another address by now. */
  async verifyEmail(id: string, index: Buffer): Promise<boolean> {
    return this.unlessTaken(
      'verify_email',
      `update users set email_verified_at = coalesce(email_verified_at, now()), version = version + 1
        where id = $1 and email_index = $2`,
      [id, index],
    );
  }

  async setPendingEmail(id: string, { sealed, index }: SealedAddress): Promise<void> {
    await this.db.query(
      'set_pending_email',
      'update users set pending_email_sealed = $2, pending_email_index = $3, version = version + 1 where id = $1',
      [id, sealed, index],
    );
  }

  /** The pending address becomes the address. False where there is another one, or none, by now. */
  async takePendingEmail(id: string, index: Buffer): Promise<boolean> {
    return this.unlessTaken(
      'take_pending_email',
      `update users set email_sealed = pending_email_sealed, email_index = pending_email_index,
              pending_email_sealed = null, pending_email_index = null, email_verified_at = now(), version = version + 1
        where id = $1 and pending_email_index = $2`,
      [id, index],
    );
  }

  async findPendingEmail(id: string): Promise<SealedAddress | undefined> {
    const { rows } = await this.db.query<SealedAddress>(
      'find_pending_email',
      `select pending_email_sealed as sealed, pending_email_index as index
         from users where id = $1 and pending_email_index is not null`,
      [id],
    );
    return rows[0];
  }

  /**
   * A sign-in that has looked at the credentials before this cannot end in a session after it. Comes first in a
   * transaction that then ends the sessions.
   */
  async raiseCredentialsVersion(id: string): Promise<void> {
    await this.db.query(
      'raise_credentials_version',
      'update users set credentials_version = credentials_version + 1 where id = $1',
      [id],
    );
  }

  private async unlessTaken(...statement: Parameters<Queryable['query']>): Promise<boolean> {
    try {
      return (await this.db.query(...statement)).rowCount > 0;
    } catch (error) {
      throw mapViolation(error, { users_verified_email_key: () => accountsErrors.emailTaken() });
    }
  }
}

export function split({ hash, pepper, ...row }: AccountWithPasswordRow): AccountWithPassword {
  return { account: row, password: { hash, pepper } };
}
