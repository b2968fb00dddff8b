import type { Queryable } from '@rostrum/data-access';
import type { ChainHead } from './audit.repository';

export class AuditRetentionRepository {
  constructor(private readonly db: Queryable) {}

  /**
   * Of each chain the events at its beginning that are all too old; never the last of the chain, which the next one has
   * to follow on.
   */
  async removeBefore(before: Date): Promise<number> {
    const { rowCount } = await this.db.query(
      'remove_old_audit_events',
      `delete from audit_events as event
        using (
          select c.number as chain, least(
            (select min(seq) from audit_events where chain = c.number and occurred_at >= $1),
            (select max(seq) from audit_events where chain = c.number)
          ) as seq
          from generate_series(0, 15) as c(number)
        ) as kept
        where event.chain = kept.chain and event.seq < kept.seq`,
      [before],
    );
    return rowCount;
  }

  /** The first event of each chain that does not begin with its first one any more, and the hash before it. */
  async starts(): Promise<ChainHead[]> {
    const { rows } = await this.db.query<{ chain: number; seq: string; hash: Buffer }>(
      'read_audit_starts',
      `select start.* from generate_series(0, 15) as c(number)
        cross join lateral (
          select chain, seq, previous_hash as hash from audit_events where chain = c.number order by seq limit 1
        ) as start
        where start.seq > 1`,
    );
    return rows.map(({ chain, seq, hash }) => ({ chain, seq: Number(seq), hash }));
  }

  /** Those that are too old, of the ones before a checkpoint that says all that they did. */
  async removeCheckpoints({ before, position }: { before: Date; position: number }): Promise<void> {
    await this.db.query(
      'remove_old_audit_checkpoints',
      'delete from audit_checkpoints where created_at < $1 and position < $2',
      [before, position],
    );
  }
}
