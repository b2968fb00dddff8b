import { createGatheredRead, type GatheredRead, type Queryable } from '@rostrum/data-access';

export interface PersonStateRow {
  id: string;
  is_private: boolean;
  is_gone: boolean;
}

/** What the policy asks of people. */
export class PeopleRepository {
  readonly stateOf: GatheredRead<string, PersonStateRow>;

  constructor(db: Queryable) {
    this.stateOf = createGatheredRead<string, PersonStateRow>({
      db,
      name: 'find_people_states',
      text: `select user_id as id, is_private, (suspended_at is not null or deleted_at is not null) as is_gone
               from profiles where user_id = any($1)`,
      keyOf: ({ id }) => id,
    });
  }
}
