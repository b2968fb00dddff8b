import type { ReportReason } from '@rostrum/contracts';
import type { Queryable, QueryOptions } from '@rostrum/data-access';
import { v7 as uuidv7 } from 'uuid';

export interface Report {
  id: string;
  postId: string;
  reason: ReportReason;
  note: string | null;
  createdAt: Date;
}

export interface NewReport {
  postId: string;
  reporterId: string;
  reason: ReportReason;
  note: string | null;
  /** Of the post, as it was reported. */
  version: number;
  round: number;
}

export interface FiledReport extends Report {
  reporterId: string | null;
  reporterName: string | null;
  version: number;
  round: number;
}

export interface ReportCount {
  postId: string;
  reason: ReportReason;
  count: number;
}

const columns = `r.id, r.post_id as "postId", r.reason, r.note, r.created_at as "createdAt"`;

/** What people have told of posts. */
export class ReportsRepository {
  constructor(private readonly db: Queryable) {}

  async find(reporterId: string, postId: string): Promise<Report | undefined> {
    const { rows } = await this.db.query<Report>(
      'find_report',
      `select ${columns} from post_reports r where r.reporter_id = $1 and r.post_id = $2`,
      [reporterId, postId],
    );
    return rows[0];
  }

  async add({ postId, reporterId, reason, note, version, round }: NewReport): Promise<Report> {
    const id = uuidv7();
    const { rows } = await this.db.query<{ createdAt: Date }>(
      'add_report',
      `insert into post_reports (id, post_id, reporter_id, reason, note, version, round)
       values ($1, $2, $3, $4, $5, $6, $7) returning created_at as "createdAt"`,
      [id, postId, reporterId, reason, note, version, round],
    );
    const [row] = rows;
    if (!row) throw new Error('A report was inserted and is not there');
    return { id, postId, reason, note, createdAt: row.createdAt };
  }

  /** Newest first. */
  async of(postId: string, limit: number, options?: QueryOptions): Promise<FiledReport[]> {
    const { rows } = await this.db.query<FiledReport>(
      'list_reports',
      `select ${columns}, r.version, r.round, r.reporter_id as "reporterId", a.username as "reporterName"
         from post_reports r left join profiles a on a.user_id = r.reporter_id
        where r.post_id = $1 order by r.round desc, r.id desc limit $2`,
      [postId, limit],
      options,
    );
    return rows;
  }

  /** Of each post those of its last round. */
  async count(postIds: readonly string[], options?: QueryOptions): Promise<ReportCount[]> {
    const { rows } = await this.db.query<ReportCount>(
      'count_reports',
      `select r.post_id as "postId", r.reason, count(*)::int as count
         from moderation_cases c join post_reports r on r.post_id = c.post_id and r.round = c.round
        where c.post_id = any($1) group by r.post_id, r.reason`,
      [postIds],
      options,
    );
    return rows;
  }
}
