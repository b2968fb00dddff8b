import type { Queryable } from '@rostrum/data-access';
import type { AuditBody } from './audit-event';

export interface EventFilter {
  actorId?: string | undefined;
  subjectId?: string | undefined;
  /** An action, or the part before its point for all of them. */
  action?: string | undefined;
  since?: string | undefined;
  until?: string | undefined;
}

/** Where a page ended. */
export interface EventPosition {
  at: number;
  id: string;
}

export interface FoundEvent {
  chain: number;
  seq: number;
  body: AuditBody;
}

interface EventRow {
  chain: number;
  seq: string;
  body: string;
}

/** Finds events by what people ask for. */
export class AuditEventsReadModel {
  constructor(private readonly db: Queryable) {}

  /** Newest first. */
  async search(
    filter: EventFilter,
    { before, limit }: { before: EventPosition | undefined; limit: number },
  ): Promise<FoundEvent[]> {
    const { actorId, subjectId, action, since, until } = filter;
    const values: unknown[] = [limit];
    const bind = (value: unknown) => `$${values.push(value)}`;
    const given: [name: string, value: unknown, words: (value: string) => string][] = [
      ['a', actorId, (value) => `actor_id = ${value}`],
      ['s', subjectId, (value) => `subject_id = ${value}`],
      ['n', action?.includes('.') ? action : undefined, (value) => `action = ${value}`],
      ['g', action?.includes('.') ? undefined : action, (value) => `split_part(action, '.', 1) = ${value}`],
      ['f', since, (value) => `occurred_at >= ${value}`],
      ['u', until, (value) => `occurred_at < ${value}`],
    ];
    const used = given.filter(([, value]) => value !== undefined);
    const filters = used.map(([, value, words]) => words(bind(value)));
    if (before) {
      const [at, id] = [bind(before.at), bind(before.id)];
      filters.push(`(occurred_at, id) < (to_timestamp(${at}::bigint / 1000.0), ${id}::uuid)`);
    }
    const where = filters.length > 0 ? `where ${filters.join(' and ')}` : '';
    const { rows } = await this.db.query<EventRow>(
      `search_audit_${used.map(([name]) => name).join('')}${before ? '_next' : ''}`,
      `select chain, seq, body from audit_events ${where} order by occurred_at desc, id desc limit $1`,
      values,
    );
    return rows.map(toEvent);
  }

  /** What a person did, and what was done to them: the newest first. */
  async ofPerson(userId: string, limit: number): Promise<FoundEvent[]> {
    const { rows } = await this.db.query<EventRow>(
      'audit_events_of_person',
      `select chain, seq, body from audit_events where actor_id = $1 or subject_id = $1
        order by occurred_at desc, id desc limit $2`,
      [userId, limit],
    );
    return rows.map(toEvent);
  }
}

function toEvent({ chain, seq, body }: EventRow): FoundEvent {
  return { chain, seq: Number(seq), body: JSON.parse(body) as AuditBody };
}
