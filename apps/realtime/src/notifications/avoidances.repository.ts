import type { Queryable } from '@rostrum/data-access';

/** That one wants to hear nothing of the other: of a mute the other is none the wiser, a block goes both ways. */
export interface Avoidance {
  personId: string;
  otherId: string;
  kind: 'block' | 'mute';
  active: boolean;
  at: Date;
}

/** What this service knows of blocks and mutes, which the posts service keeps. */
export class AvoidancesRepository {
  constructor(private readonly db: Queryable) {}

  /** Resolves to whether it holds now. What is older than what is known changes nothing. */
  async put({ personId, otherId, kind, active, at }: Avoidance): Promise<boolean> {
    const { rows } = await this.db.query<{ active: boolean }>(
      'put_avoidance',
      `insert into avoidances as known (person_id, other_id, kind, active, changed_at) values ($1, $2, $3, $4, $5)
       on conflict (person_id, other_id, kind) do update
         set active = case when excluded.changed_at >= known.changed_at then excluded.active else known.active end,
             changed_at = greatest(known.changed_at, excluded.changed_at)
       returning active`,
      [personId, otherId, kind, active, at],
    );
    return rows[0]?.active ?? false;
  }

  /** Which of these have blocked somebody, or are blocked by them. */
  async blockedAround(
    personId: string,
    others: readonly string[],
    signal?: AbortSignal,
  ): Promise<Set<string>> {
    const { rows } = await this.db.query<{ id: string }>(
      'blocked_around',
      `select other_id as id from avoidances
        where active and kind = 'block' and person_id = $1 and other_id = any($2::uuid[])
       union
       select person_id from avoidances
        where active and kind = 'block' and other_id = $1 and person_id = any($2::uuid[])`,
      [personId, others],
      { signal },
    );
    return new Set(rows.map(({ id }) => id));
  }
}
