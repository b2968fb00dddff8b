import type { Queryable } from '@rostrum/data-access';
import type { Account, AccountWithPassword } from './account';

const account = 'id, email, username, roles, created_at as "createdAt"';

interface AccountWithPasswordRow extends Account {
  hash: string;
}

export class AccountsRepository {
  constructor(private readonly db: Queryable) {}

  /**
   * False where the email or the username is taken. That is not left to an error of the statement: PostgreSQL would
   * write the email into its own log.
   */
  async insert({ id, email, username, roles, createdAt }: Account, passwordHash: string): Promise<boolean> {
    const { rowCount } = await this.db.query(
      'insert_account',
      `with account as (
         insert into users (id, email, username, roles, created_at) values ($1, $2, $3, $4, $5)
         on conflict do nothing returning id
       )
       insert into passwords (user_id, hash) select id, $6 from account`,
      [id, email, username, roles, createdAt, passwordHash],
    );
    return rowCount > 0;
  }

  async find(id: string): Promise<Account | undefined> {
    const { rows } = await this.db.query<Account>(
      'find_account',
      `select ${account} from users where id = $1`,
      [id],
    );
    return rows[0];
  }

  async findByEmail(email: string): Promise<AccountWithPassword | undefined> {
    const { rows } = await this.db.query<AccountWithPasswordRow>(
      'find_account_by_email',
      `select ${account}, hash from users join passwords on user_id = id where lower(email) = lower($1)`,
      [email],
    );
    return rows[0] && withPassword(rows[0]);
  }

  async findByUsername(username: string): Promise<AccountWithPassword | undefined> {
    const { rows } = await this.db.query<AccountWithPasswordRow>(
      'find_account_by_username',
      `select ${account}, hash from users join passwords on user_id = id where username = $1`,
      [username],
    );
    return rows[0] && withPassword(rows[0]);
  }
}

function withPassword({ hash, ...account }: AccountWithPasswordRow): AccountWithPassword {
  return { account, passwordHash: hash };
}
