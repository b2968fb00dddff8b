import type { Queryable } from '@rostrum/data-access';

interface UserKeyRow {
  sealedKey: Buffer;
}

export class UserKeysRepository {
  constructor(private readonly db: Queryable) {}

  async find(userId: string): Promise<Buffer | undefined> {
    const { rows } = await this.db.query<UserKeyRow>(
      'find_user_key',
      'select sealed_key as "sealedKey" from user_keys where user_id = $1',
      [userId],
    );
    return rows[0]?.sealedKey;
  }

  /** The user's key: this one, or the one that another transaction was first to add. */
  async add(userId: string, sealedKey: Buffer): Promise<Buffer> {
    await this.db.query(
      'add_user_key',
      'insert into user_keys (user_id, sealed_key) values ($1, $2) on conflict do nothing',
      [userId, sealedKey],
    );
    return (await this.find(userId)) ?? sealedKey;
  }

  /** The same key, sealed anew; another one that has come in the meantime stays. */
  async replace(userId: string, { sealedKey, anew }: { sealedKey: Buffer; anew: Buffer }): Promise<void> {
    await this.db.query(
      'replace_user_key',
      'update user_keys set sealed_key = $3 where user_id = $1 and sealed_key = $2',
      [userId, sealedKey, anew],
    );
  }

  async remove(userId: string): Promise<void> {
    await this.db.query('remove_user_key', 'delete from user_keys where user_id = $1', [userId]);
  }
}
