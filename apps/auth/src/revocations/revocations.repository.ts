import type { Queryable } from '@rostrum/data-access';
import type { Revocation } from '@rostrum/security';

/** A transaction whose row is older than this when it commits would be overlooked; none may take nearly as long. */
const lookBackSeconds = 30;

interface RevocationRow {
  kind: Revocation['kind'];
  id: string;
  at: string;
  until: string;
}

export class RevocationsRepository {
  constructor(private readonly db: Queryable) {}

  async add(revocations: readonly Revocation[]): Promise<void> {
    await this.db.query(
      'add_revocations',
      `insert into revocations (kind, target, revoked_at, expires_at)
       select * from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[])`,
      [
        revocations.map(({ kind }) => kind),
        revocations.map(({ id }) => id),
        revocations.map(({ at }) => at),
        revocations.map(({ until }) => until),
      ],
    );
  }

  /**
   * When the tokens of a user that were issued with an earlier revocation in mind may say that they were issued, in
   * milliseconds; 0 where there was none.
   */
  async lastIssueFor(userId: string): Promise<number> {
    const { rows } = await this.db.query<{ at: string }>(
      'last_issue_for_user',
      `select coalesce((max(revoked_at) / 1000 + 1) * 1000, 0) as at from revocations
        where kind = 'subject' and target = $1`,
      [userId],
    );
    return Number(rows[0]?.at);
  }

  /** All that still matter. */
  async all(): Promise<Revocation[]> {
    const { rows } = await this.db.query<RevocationRow>(
      'all_revocations',
      `select kind, target as id, revoked_at as at, expires_at as until from revocations
        where expires_at > extract(epoch from now()) * 1000 order by position`,
    );
    return rows.map(toRevocation);
  }

  /** What was written lately. Rows become visible in the order of commits, so a little is always read again. */
  async recent(): Promise<Revocation[]> {
    const { rows } = await this.db.query<RevocationRow>(
      'recent_revocations',
      `select kind, target as id, revoked_at as at, expires_at as until from revocations
        where written_at > now() - make_interval(secs => ${lookBackSeconds}) order by position`,
    );
    return rows.map(toRevocation);
  }

  async removeExpired(): Promise<void> {
    await this.db.query(
      'remove_expired_revocations',
      'delete from revocations where expires_at <= extract(epoch from now()) * 1000',
    );
  }
}

function toRevocation({ kind, id, at, until }: RevocationRow): Revocation {
  return { kind, id, at: Number(at), until: Number(until) };
}
