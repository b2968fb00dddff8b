import type { Queryable } from '@rostrum/data-access';

/** That one wants to hear nothing of the other: of a mute the other is none the wiser, a block goes both ways. */
export interface Avoidance {
  personId: string;
  otherId: string;
  kind: 'block' | 'mute';
  active: boolean;
  at: Date;
}

type Pair = Pick<Avoidance, 'personId' | 'otherId' | 'kind'>;

/** What this service knows of blocks and mutes, which the posts service keeps. */
export class AvoidancesRepository {
  constructor(private readonly db: Queryable) {}

  /**
   * Resolves to those that hold now. What is older than what is known changes nothing, and of who is gone nothing is kept:
   * all of them must be held.
   */
  async put(changes: readonly Avoidance[]): Promise<Pair[]> {
    const { rows } = await this.db.query<Pair & { active: boolean }>(
      'put_avoidances',
      `insert into avoidances as known (person_id, other_id, kind, active, changed_at)
       select person, other, kind, active, at
         from unnest($1::uuid[], $2::uuid[], $3::text[], $4::boolean[], $5::timestamptz[])
              as told (person, other, kind, active, at)
        where not exists (select from recipients where id in (person, other) and deleted_at is not null)
       on conflict (person_id, other_id, kind) do update
         set active = case when excluded.changed_at >= known.changed_at then excluded.active else known.active end,
             changed_at = greatest(known.changed_at, excluded.changed_at)
       returning person_id as "personId", other_id as "otherId", kind, active`,
      [
        changes.map(({ personId }) => personId),
        changes.map(({ otherId }) => otherId),
        changes.map(({ kind }) => kind),
        changes.map(({ active }) => active),
        changes.map(({ at }) => at),
      ],
    );
    return rows.filter(({ active }) => active);
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
