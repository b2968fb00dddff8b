import type { Queryable } from '@rostrum/data-access';

export interface CopyState {
  /** Where the last page ended; null before the first. */
  position: string | null;
  done: boolean;
}

export interface CopyStep {
  from: string | null;
  /** Null: that was all. */
  to: string | null;
}

/** How far what another service has is copied. */
export class CopiesRepository {
  constructor(private readonly db: Queryable) {}

  async find(name: string): Promise<CopyState> {
    const { rows } = await this.db.query<CopyState>(
      'find_copy',
      'select position, done_at is not null as done from copies where name = $1',
      [name],
    );
    // The migration that made the table has made a row for each.
    return rows[0] ?? { position: null, done: true };
  }

  /** Whether nobody else has taken this step. */
  async advance(name: string, { from, to }: CopyStep): Promise<boolean> {
    const { rowCount } = await this.db.query(
      'advance_copy',
      `update copies set position = $3, done_at = case when $3::text is null then now() end
        where name = $1 and position is not distinct from $2 and done_at is null`,
      [name, from, to],
    );
    return rowCount > 0;
  }
}
