import type { Queryable } from '@rostrum/data-access';
import type { LinkedIdentity } from './identity';

export class IdentitiesRepository {
  constructor(private readonly db: Queryable) {}

  async findUser(provider: string, hashes: readonly Buffer[]): Promise<string | undefined> {
    const { rows } = await this.db.query<{ userId: string }>(
      'find_identity',
      'select user_id as "userId" from identities where provider = $1 and subject_hash = any($2::bytea[])',
      [provider, hashes],
    );
    return rows[0]?.userId;
  }

  /** False where it is linked already, or another of the provider is. */
  async insert(userId: string, provider: string, hash: Buffer): Promise<boolean> {
    const { rowCount } = await this.db.query(
      'insert_identity',
      'insert into identities (provider, subject_hash, user_id) values ($1, $2, $3) on conflict do nothing',
      [provider, hash, userId],
    );
    return rowCount > 0;
  }

  async list(userId: string): Promise<LinkedIdentity[]> {
    const { rows } = await this.db.query<LinkedIdentity>(
      'list_identities',
      'select provider, linked_at as "linkedAt" from identities where user_id = $1 order by provider',
      [userId],
    );
    return rows;
  }

  async remove(userId: string, provider: string): Promise<boolean> {
    const { rowCount } = await this.db.query(
      'remove_identity',
      'delete from identities where user_id = $1 and provider = $2',
      [userId, provider],
    );
    return rowCount > 0;
  }
}
