import type { Queryable } from '@rostrum/data-access';
import type { AccountRow } from '../accounts/account';

const columns = `u.id, u.email, u.email_sealed as "emailSealed", u.email_verified_at is not null as "emailVerified",
  u.username, u.roles, u.created_at as "createdAt", u.version, u.suspended_at as "suspendedAt",
  u.deletion_requested_at as "deletionRequestedAt", u.credentials_version as "credentialsVersion"`;

export type UserRow = Pick<
  AccountRow,
  | 'id'
  | 'email'
  | 'emailSealed'
  | 'emailVerified'
  | 'username'
  | 'roles'
  | 'createdAt'
  | 'suspendedAt'
  | 'deletionRequestedAt'
>;

export interface UserSearch {
  /** Older than this id; they grow with time. */
  before: string | undefined;
  limit: number;
  usernamePrefix: string | undefined;
  email: { email: string; indexes: readonly Buffer[] } | undefined;
  role: string | undefined;
  status: 'active' | 'suspended' | 'leaving' | undefined;
}

/** Each filter by the words of its statement, so that PostgreSQL plans each combination with its own index. */
const statusFilters = {
  active: 'u.suspended_at is null and u.deletion_requested_at is null',
  suspended: 'u.suspended_at is not null',
  leaving: 'u.deletion_requested_at is not null',
} as const;

/** Accounts as admins see and change them. */
export class UsersRepository {
  constructor(private readonly db: Queryable) {}

  async find(id: string): Promise<UserRow | undefined> {
    const { rows } = await this.db.query<UserRow>(
      'admin_find_user',
      `select ${columns} from users as u where u.id = $1`,
      [id],
    );
    return rows[0];
  }

  /** By username or id. */
  async findByName(nameOrId: string): Promise<UserRow | undefined> {
    const { rows } = await this.db.query<UserRow>(
      'admin_find_user_by_name',
      `select ${columns} from users as u where u.username = $1 or u.id::text = $1`,
      [nameOrId],
    );
    return rows[0];
  }

  async withMoreRoles(): Promise<UserRow[]> {
    const { rows } = await this.db.query<UserRow>(
      'admin_find_users_with_roles',
      `select ${columns} from users as u where u.roles <> '{user}' order by u.username`,
    );
    return rows;
  }

  async search(search: UserSearch): Promise<UserRow[]> {
    const { before, limit, usernamePrefix, email, role, status } = search;
    const values: unknown[] = [limit];
    const bind = (value: unknown) => `$${values.push(value)}`;
    const filters = [
      before !== undefined && `u.id < ${bind(before)}`,
      usernamePrefix !== undefined && `u.username like ${bind(`${escapeLike(usernamePrefix)}%`)}`,
      email && `(u.email_index = any(${bind(email.indexes)}) or lower(u.email) = ${bind(email.email)})`,
      role !== undefined && `u.roles <> '{user}' and ${bind(role)} = any(u.roles)`,
      status && statusFilters[status],
    ].filter((filter) => typeof filter === 'string');
    const where = filters.length > 0 ? `where ${filters.join(' and ')}` : '';
    const { rows } = await this.db.query<UserRow>(
      `admin_search_users_${shapeOf(search)}`,
      `select ${columns} from users as u ${where} order by u.id desc limit $1`,
      values,
    );
    return rows;
  }

  /** To the end of the transaction nobody else changes who is an admin. */
  async lockAdmins(): Promise<void> {
    await this.db.query('lock_admins', `select pg_advisory_xact_lock(hashtext('auth.admins'))`);
  }

  async hasOtherAdmin(id: string): Promise<boolean> {
    const { rows } = await this.db.query(
      'find_other_admin',
      `select from users where roles <> '{user}' and 'admin' = any(roles) and id <> $1
         and suspended_at is null and deletion_requested_at is null limit 1`,
      [id],
    );
    return rows.length > 0;
  }

  /** Since when, if that was a change. */
  async suspend(id: string): Promise<Date | undefined> {
    const { rows } = await this.db.query<{ suspendedAt: Date }>(
      'suspend_user',
      `update users set suspended_at = now(), version = version + 1, credentials_version = credentials_version + 1
        where id = $1 and suspended_at is null returning suspended_at as "suspendedAt"`,
      [id],
    );
    return rows[0]?.suspendedAt;
  }

  /** Whether that was a change. */
  async restore(id: string): Promise<boolean> {
    const { rowCount } = await this.db.query(
      'restore_user',
      'update users set suspended_at = null, version = version + 1 where id = $1 and suspended_at is not null',
      [id],
    );
    return rowCount > 0;
  }

  async grantRole(id: string, role: string): Promise<boolean> {
    const { rowCount } = await this.db.query(
      'grant_role',
      `update users set roles = array_append(roles, $2), version = version + 1
        where id = $1 and not ($2 = any(roles))`,
      [id, role],
    );
    return rowCount > 0;
  }

  async takeRole(id: string, role: string): Promise<boolean> {
    const { rowCount } = await this.db.query(
      'take_role',
      `update users set roles = array_remove(roles, $2), version = version + 1
        where id = $1 and $2 = any(roles)`,
      [id, role],
    );
    return rowCount > 0;
  }
}

function escapeLike(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&');
}

/** One prepared statement per set of filters. */
function shapeOf({ before, usernamePrefix, email, role, status }: UserSearch): string {
  const flags = [before, usernamePrefix, email, role].map((filter) => (filter === undefined ? '0' : '1'));
  return `${flags.join('')}_${status ?? 'any'}`;
}
