import type { ModerationState } from '@rostrum/contracts';
import type { Queryable, QueryOptions } from '@rostrum/data-access';
import { v7 as uuidv7 } from 'uuid';
import type { ModerationCase } from './moderation-case';

/** Of `moderation_cases c` and who has claimed it, `profiles m`. A claim whose time is over is none. */
const columns = `c.post_id as "postId", c.state, c.since, c.round,
  case when c.claimed_until > now() then c.claimed_by end as "claimedBy",
  case when c.claimed_until > now() then c.claimed_until end as "claimedUntil", m.username as "claimedByName"`;

export interface QueuedCase extends ModerationCase {
  position: string;
  /** The appeal that waits. */
  appealText: string | null;
  appealedAt: Date | null;
}

export interface QueueRequest {
  state: ModerationState;
  /** Whose own posts are left out. */
  moderatorId: string;
  after: string | undefined;
  limit: number;
}

export interface Waiting {
  state: ModerationState;
  posts: number;
  reports: number;
  oldestSeconds: number;
}

const beforeAll = '00000000-0000-0000-0000-000000000000';
/** A scrape looks at no more rows than these. */
const mostCounted = { posts: 1_000, reportsOfPost: 100 };

/** Where posts stand. Whoever changes a row holds the row of its post. */
export class CasesRepository {
  constructor(private readonly db: Queryable) {}

  async find(postId: string, options?: QueryOptions): Promise<ModerationCase | undefined> {
    const { rows } = await this.db.query<ModerationCase>(
      'find_moderation_case',
      `select ${columns} from moderation_cases c left join profiles m on m.user_id = c.claimed_by
        where c.post_id = $1`,
      [postId],
      options,
    );
    return rows[0];
  }

  /** It takes its place at the end of those that stand so, and is nobody's. */
  async move(postId: string, state: ModerationState): Promise<void> {
    await this.db.query(
      'move_moderation_case',
      `insert into moderation_cases (post_id, state, position) values ($1, $2, $3)
       on conflict (post_id) do update
         set state = excluded.state, position = excluded.position, since = now(),
             round = moderation_cases.round + case when excluded.state = 'open' then 1 else 0 end,
             claimed_by = null, claimed_until = null`,
      [postId, state, uuidv7()],
    );
  }

  async setHidden(postId: string, hidden: boolean): Promise<void> {
    await this.db.query(
      'set_post_hidden',
      'update posts set hidden_at = case when $2 then now() end where id = $1',
      [postId, hidden],
    );
  }

  async claim(postId: string, moderatorId: string, seconds: number): Promise<void> {
    await this.db.query(
      'claim_moderation_case',
      `update moderation_cases set claimed_by = $2, claimed_until = now() + $3 * interval '1 second'
        where post_id = $1`,
      [postId, moderatorId, seconds],
    );
  }

  /** Whether it was theirs. */
  async release(postId: string, moderatorId: string): Promise<boolean> {
    const { rowCount } = await this.db.query(
      'release_moderation_case',
      `update moderation_cases set claimed_by = null, claimed_until = null
        where post_id = $1 and claimed_by = $2 and claimed_until > now()`,
      [postId, moderatorId],
    );
    return rowCount > 0;
  }

  async queue(
    { state, moderatorId, after = beforeAll, limit }: QueueRequest,
    options?: QueryOptions,
  ): Promise<QueuedCase[]> {
    const { rows } = await this.db.query<QueuedCase>(
      'list_moderation_queue',
      `select c.position, ${columns}, appeal.text as "appealText", appeal.created_at as "appealedAt"
         from moderation_cases c
         join posts p on p.id = c.post_id
         left join profiles m on m.user_id = c.claimed_by
         left join lateral (select text, created_at from post_appeals where post_id = c.post_id
                             order by created_at desc limit 1) appeal on c.state = 'appealed'
        where c.state = $1 and c.position > $2 and p.author_id <> $3 and p.deleted_at is null
        order by c.position limit $4`,
      [state, after, moderatorId, limit],
      options,
    );
    return rows;
  }

  /** What somebody should look at: one for each state in which something waits. Of very much, no more is counted. */
  async waiting(): Promise<Waiting[]> {
    const { rows } = await this.db.query<Waiting>(
      'count_moderation_cases',
      `select c.state, count(*)::int as posts, coalesce(sum(r.reports), 0)::int as reports,
              extract(epoch from now() - min(c.since))::float8 as "oldestSeconds"
         from (values ('open'), ('appealed')) as waits (state)
        cross join lateral (
          select w.* from moderation_cases w join posts p on p.id = w.post_id and p.deleted_at is null
           where w.state = waits.state order by w.position limit $1) c
         left join lateral (
          select count(*) as reports from (
            select from post_reports where post_id = c.post_id and round = c.round order by id limit $2) counted
         ) r on c.state = 'open'
        group by c.state`,
      [mostCounted.posts, mostCounted.reportsOfPost],
    );
    return rows;
  }
}
