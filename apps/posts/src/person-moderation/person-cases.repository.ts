import type { PersonCaseState, ReportReason } from '@rostrum/contracts';
import type { Queryable, QueryOptions } from '@rostrum/data-access';
import { v7 as uuidv7 } from 'uuid';
import type { Person } from '../profiles/profile';

/** Where a person stands with the moderators. */
export interface PersonCase extends Person {
  state: PersonCaseState;
  since: Date;
  /** Counts how often reports have come anew after a case was closed. */
  round: number;
}

export interface QueuedPerson extends PersonCase {
  position: string;
}

export interface PersonQueueRequest {
  state: PersonCaseState;
  /** Who asks, and is left out. */
  moderatorId: string;
  after: string | undefined;
  limit: number;
}

const columns = 'c.person_id as id, a.username, c.state, c.since, c.round';
const beforeAll = '00000000-0000-0000-0000-000000000000';
/** A scrape looks at no more rows than these. */
const mostCounted = 1_000;

/** Where people stand. Whoever changes a row holds that of the person's profile. */
export class PersonCasesRepository {
  constructor(private readonly db: Queryable) {}

  async find(personId: string, options?: QueryOptions): Promise<PersonCase | undefined> {
    const { rows } = await this.db.query<PersonCase>(
      'find_person_case',
      `select ${columns} from person_cases c join profiles a on a.user_id = c.person_id
        where c.person_id = $1 and a.deleted_at is null`,
      [personId],
      options,
    );
    return rows[0];
  }

  /** They take their place at the end of those who stand so. Resolves to the round that it is then. */
  async move(personId: string, state: PersonCaseState): Promise<number> {
    const { rows } = await this.db.query<{ round: number }>(
      'move_person_case',
      `insert into person_cases (person_id, state, position) values ($1, $2, $3)
       on conflict (person_id) do update
         set state = excluded.state, position = excluded.position, since = now(),
             round = person_cases.round + case when excluded.state = 'open' then 1 else 0 end
       returning round`,
      [personId, state, uuidv7()],
    );
    return rows[0]?.round ?? 1;
  }

  async queue(
    { state, moderatorId, after = beforeAll, limit }: PersonQueueRequest,
    options?: QueryOptions,
  ): Promise<QueuedPerson[]> {
    const { rows } = await this.db.query<QueuedPerson>(
      'list_person_queue',
      `select ${columns}, c.position from person_cases c join profiles a on a.user_id = c.person_id
        where c.state = $1 and c.position > $2 and c.person_id <> $3 and a.deleted_at is null
        order by c.position limit $4`,
      [state, after, moderatorId, limit],
      options,
    );
    return rows;
  }

  /** Of very many, no more are counted. */
  async waiting(): Promise<{ state: PersonCaseState; people: number }[]> {
    const { rows } = await this.db.query<{ state: PersonCaseState; people: number }>(
      'count_person_cases',
      `select c.state, count(*)::int as people
         from (values ('open'), ('escalated')) as waits (state)
        cross join lateral (
          select w.state from person_cases w join profiles a on a.user_id = w.person_id and a.deleted_at is null
           where w.state = waits.state order by w.position limit $1) c
        group by c.state`,
      [mostCounted],
    );
    return rows;
  }

  /** Of each person those of the last round. */
  async countReports(
    personIds: readonly string[],
    options?: QueryOptions,
  ): Promise<{ personId: string; reason: ReportReason; count: number }[]> {
    const { rows } = await this.db.query<{ personId: string; reason: ReportReason; count: number }>(
      'count_person_reports',
      `select r.person_id as "personId", r.reason, count(*)::int as count
         from person_cases c join person_reports r on r.person_id = c.person_id and r.round = c.round
        where c.person_id = any($1) group by r.person_id, r.reason`,
      [personIds],
      options,
    );
    return rows;
  }
}
