import type { ReportReason } from '@rostrum/contracts';
import type { Queryable, QueryOptions } from '@rostrum/data-access';
import { v7 as uuidv7 } from 'uuid';

export interface PersonReportRow {
  id: string;
  reason: ReportReason;
  note: string | null;
  createdAt: Date;
}

export interface NewPersonReport {
  personId: string;
  reporterId: string;
  reason: ReportReason;
  note: string | null;
  round: number;
}

export interface FiledPersonReport extends PersonReportRow {
  reporterId: string | null;
  reporterName: string | null;
}

export interface PersonDecision {
  id: string;
  kind: 'escalated' | 'closed';
  actorId: string;
  actorName: string | null;
  reason: string;
  at: Date;
}

const columns = 'r.id, r.reason, r.note, r.created_at as "createdAt"';

/** What was told of people, and what moderators have done about it. */
export class PersonReportsRepository {
  constructor(private readonly db: Queryable) {}

  async find(reporterId: string, personId: string): Promise<PersonReportRow | undefined> {
    const { rows } = await this.db.query<PersonReportRow>(
      'find_person_report',
      `select ${columns} from person_reports r where r.reporter_id = $1 and r.person_id = $2`,
      [reporterId, personId],
    );
    return rows[0];
  }

  async add({ personId, reporterId, reason, note, round }: NewPersonReport): Promise<PersonReportRow> {
    const { rows } = await this.db.query<PersonReportRow>(
      'add_person_report',
      `insert into person_reports as r (id, person_id, reporter_id, reason, note, round)
       values ($1, $2, $3, $4, $5, $6) returning ${columns}`,
      [uuidv7(), personId, reporterId, reason, note, round],
    );
    return rows[0] as PersonReportRow;
  }

  /** Newest first. */
  async of(personId: string, limit: number, options?: QueryOptions): Promise<FiledPersonReport[]> {
    const { rows } = await this.db.query<FiledPersonReport>(
      'list_person_reports',
      `select ${columns}, r.reporter_id as "reporterId", a.username as "reporterName"
         from person_reports r left join profiles a on a.user_id = r.reporter_id
        where r.person_id = $1 order by r.round desc, r.id desc limit $2`,
      [personId, limit],
      options,
    );
    return rows;
  }

  async enter(
    decision: Pick<PersonDecision, 'kind' | 'actorId' | 'reason'> & { personId: string },
  ): Promise<void> {
    const { personId, kind, actorId, reason } = decision;
    await this.db.query(
      'add_person_decision',
      `insert into person_moderation_log (id, person_id, kind, actor_id, reason) values ($1, $2, $3, $4, $5)`,
      [uuidv7(), personId, kind, actorId, reason],
    );
  }

  /** Newest first. */
  async decisionsOn(personId: string, limit: number, options?: QueryOptions): Promise<PersonDecision[]> {
    const { rows } = await this.db.query<PersonDecision>(
      'list_person_decisions',
      `select l.id, l.kind, l.actor_id as "actorId", m.username as "actorName", l.reason, l.created_at as at
         from person_moderation_log l left join profiles m on m.user_id = l.actor_id
        where l.person_id = $1 order by l.seq desc limit $2`,
      [personId, limit],
      options,
    );
    return rows;
  }
}
