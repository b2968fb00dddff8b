import type { Queryable, QueryOptions } from '@rostrum/data-access';
import type { Person } from '../profiles/profile';

/** Who is meant by the names in a text. */
export class MentionsRepository {
  constructor(private readonly db: Queryable) {}

  async named(usernames: readonly string[], options?: QueryOptions): Promise<Person[]> {
    const { rows } = await this.db.query<Person>(
      'find_mentioned',
      'select user_id as id, username from profiles where username = any($1)',
      [usernames],
      options,
    );
    return rows;
  }
}
