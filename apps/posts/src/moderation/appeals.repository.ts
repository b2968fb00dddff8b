import type { Queryable } from '@rostrum/data-access';

export class AppealsRepository {
  constructor(private readonly db: Queryable) {}

  /** The time of it; undefined where there is one against this decision. */
  async add(appeal: { decisionId: string; postId: string; text: string }): Promise<Date | undefined> {
    const { rows } = await this.db.query<{ at: Date }>(
      'add_appeal',
      `insert into post_appeals (decision_id, post_id, text) values ($1, $2, $3)
       on conflict do nothing returning created_at as at`,
      [appeal.decisionId, appeal.postId, appeal.text],
    );
    return rows[0]?.at;
  }
}
