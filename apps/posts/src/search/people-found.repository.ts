import type { Person } from '@rostrum/contracts';
import type { Queryable, QueryOptions } from '@rostrum/data-access';
import { personColumns } from '../profiles/profiles.repository';

/** What lists show of people who have been found. */
export class PeopleFoundRepository {
  constructor(private readonly db: Queryable) {}

  /** In the order of the ids, without those who are not there any more. */
  async find(ids: readonly string[], options?: QueryOptions): Promise<Person[]> {
    if (ids.length === 0) return [];
    const { rows } = await this.db.query<Person>(
      'find_people',
      `select ${personColumns}
         from unnest($1::uuid[]) with ordinality as wanted (id, place) join profiles a on a.user_id = wanted.id
        order by place`,
      [ids],
      options,
    );
    return rows;
  }
}
