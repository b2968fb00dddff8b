import type { Queryable } from '@rostrum/data-access';

export type TokenPurpose = 'verify-email' | 'change-email' | 'reset-password';

export interface TokenFacts {
  userId: string;
  purpose: TokenPurpose;
  emailIndex: Buffer;
}

interface NewToken extends TokenFacts {
  id: string;
  seconds: number;
}

export class OneTimeTokensRepository {
  constructor(private readonly db: Queryable) {}

  async insert({ id, userId, purpose, emailIndex, seconds }: NewToken): Promise<void> {
    await this.db.query(
      'insert_one_time_token',
      `insert into one_time_tokens (id, user_id, purpose, email_index, expires_at)
       values ($1, $2, $3, $4, now() + $5 * interval '1 second') on conflict do nothing`,
      [id, userId, purpose, emailIndex, seconds],
    );
  }

  async use(id: string, purpose: TokenPurpose): Promise<TokenFacts | undefined> {
    const { rows } = await this.db.query<TokenFacts>(
      'use_one_time_token',
      `update one_time_tokens set used_at = now()
        where id = $1 and purpose = $2 and used_at is null and expires_at > now()
       returning user_id as "userId", purpose, email_index as "emailIndex"`,
      [id, purpose],
    );
    return rows[0];
  }

  async peek(id: string, purpose: TokenPurpose): Promise<TokenFacts | undefined> {
    const { rows } = await this.db.query<TokenFacts>(
      'peek_one_time_token',
      `select user_id as "userId", purpose, email_index as "emailIndex" from one_time_tokens
        where id = $1 and purpose = $2 and used_at is null and expires_at > now()`,
      [id, purpose],
    );
    return rows[0];
  }

  /** No other mail of this kind is good for anything any more. */
  async voidAll(userId: string, purpose: TokenPurpose): Promise<void> {
    await this.db.query(
      'void_one_time_tokens',
      'update one_time_tokens set used_at = now() where user_id = $1 and purpose = $2 and used_at is null',
      [userId, purpose],
    );
  }

  async removeOld(seconds: number, limit: number): Promise<number> {
    const { rowCount } = await this.db.query(
      'remove_one_time_tokens',
      `delete from one_time_tokens where id in (
         select id from one_time_tokens where expires_at < now() - $1 * interval '1 second' limit $2)`,
      [seconds, limit],
    );
    return rowCount;
  }
}
