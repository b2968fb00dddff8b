import type { Queryable } from '@rostrum/data-access';

export class RecoveryCodesRepository {
  constructor(private readonly db: Queryable) {}

  async replace(userId: string, hashes: readonly Buffer[]): Promise<void> {
    await this.remove(userId);
    await this.db.query(
      'insert_recovery_codes',
      'insert into recovery_codes (user_id, code_hash) select $1, unnest($2::bytea[])',
      [userId, hashes],
    );
  }

  async use(userId: string, hashes: readonly Buffer[]): Promise<boolean> {
    const { rowCount } = await this.db.query(
      'use_recovery_code',
      `update recovery_codes set used_at = now()
        where user_id = $1 and code_hash = any($2::bytea[]) and used_at is null`,
      [userId, hashes],
    );
    return rowCount > 0;
  }

  async remove(userId: string): Promise<void> {
    await this.db.query('remove_recovery_codes', 'delete from recovery_codes where user_id = $1', [userId]);
  }
}
