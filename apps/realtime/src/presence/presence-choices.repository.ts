import type { Queryable } from '@rostrum/data-access';

/** Who may be seen to be online by whom. */
export class PresenceChoicesRepository {
  constructor(private readonly db: Queryable) {}

  async setInvisible(userId: string, invisible: boolean): Promise<void> {
    if (invisible) {
      await this.db.query(
        'become_invisible',
        'insert into invisible_people (user_id) values ($1) on conflict do nothing',
        [userId],
      );
    } else {
      await this.db.query('become_visible', 'delete from invisible_people where user_id = $1', [userId]);
    }
  }

  /** Those of them who want to be seen by nobody. */
  async invisibleAmong(userIds: readonly string[]): Promise<Set<string>> {
    const { rows } = await this.db.query<{ id: string }>(
      'invisible_among',
      'select user_id as id from invisible_people where user_id = any($1::uuid[])',
      [userIds],
    );
    return new Set(rows.map(({ id }) => id));
  }

  /** Those of them that look offline to a viewer, who always sees themself. */
  async hiddenFrom(viewerId: string, userIds: readonly string[], signal?: AbortSignal): Promise<Set<string>> {
    const { rows } = await this.db.query<{ id: string }>(
      'hidden_presences',
      `select user_id as id from invisible_people where user_id = any($2::uuid[]) and user_id <> $1
       union
       select other_id from avoidances
        where active and kind = 'block' and person_id = $1 and other_id = any($2::uuid[])
       union
       select person_id from avoidances
        where active and kind = 'block' and other_id = $1 and person_id = any($2::uuid[])`,
      [viewerId, userIds],
      { signal },
    );
    return new Set(rows.map(({ id }) => id));
  }
}
