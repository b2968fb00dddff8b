import type { Queryable } from '@rostrum/data-access';

/** The rows of the log. The database numbers and hashes them. */
export class AuditRepository {
  constructor(private readonly db: Queryable) {}

  async append(chain: number, body: string): Promise<void> {
    await this.db.query('append_audit_event', 'insert into audit_events (chain, body) values ($1, $2)', [
      chain,
      body,
    ]);
  }
}
