import type { Queryable } from '@rostrum/data-access';

/** A column of sealed values; its names are ours, never a caller's. */
export interface SealedColumn {
  table: 'user_keys' | 'signing_keys' | 'audit_keys';
  idColumn: string;
  column: string;
}

export interface SealedValue {
  id: string;
  value: Buffer;
}

export class SealedValuesRepository {
  constructor(private readonly db: Queryable) {}

  async read(
    { table, idColumn, column }: SealedColumn,
    after: string | undefined,
    limit: number,
  ): Promise<SealedValue[]> {
    const { rows } = await this.db.query<SealedValue>(
      `read_sealed_${table}`,
      `select ${idColumn}::text as id, ${column} as value from ${table}
        where ${column} is not null and ($1::text is null or ${idColumn}::text > $1)
        order by ${idColumn}::text limit $2`,
      [after ?? null, limit],
    );
    return rows;
  }

  /** False where somebody else has changed it. */
  async replace(
    { table, idColumn, column }: SealedColumn,
    { id, value, anew }: SealedValue & { anew: Buffer },
  ): Promise<boolean> {
    const { rowCount } = await this.db.query(
      `replace_sealed_${table}`,
      `update ${table} set ${column} = $3 where ${idColumn}::text = $1 and ${column} = $2`,
      [id, value, anew],
    );
    return rowCount > 0;
  }
}
