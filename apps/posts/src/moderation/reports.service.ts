import type { ReportReason } from '@rostrum/contracts';
import type { Transaction } from '@rostrum/data-access';
import type { Write } from '@rostrum/service-kit';
import { postsErrors } from '../posts/posts.errors';
import { PostsRepository } from '../posts/posts.repository';
import { attempt } from '../posts/refusal';
import type { PostReader } from '../visibility/post-reader';
import { CasesRepository } from './cases.repository';
import type { ModerationEvents } from './moderation-events';
import { moderationErrors } from './moderation.errors';
import { ReportsRepository, type Report } from './reports.repository';

export interface ReportRequest {
  postId: string;
  reason: ReportReason;
  note: string | null;
}

export class ReportsService {
  constructor(
    private readonly reader: Pick<PostReader, 'readOne'>,
    private readonly events: Pick<ModerationEvents, 'reported'>,
  ) {}

  /** What one does not see, one cannot report. Whoever has reported it before is answered that, whatever it is now. */
  async report(
    reporterId: string,
    request: ReportRequest,
    { write, signal }: { write: Write<Report>; signal: () => AbortSignal },
  ): Promise<Report> {
    const { postId } = request;
    const seen = await attempt(this.reader.readOne(reporterId, postId, { signal }));
    return write(async (trx) => {
      // Locked, so that nobody hides, deletes or reports it meanwhile.
      const post = (await new PostsRepository(trx).lock([postId])).get(postId);
      const before = await new ReportsRepository(trx).find(reporterId, postId);
      if (before) return before;
      if (seen.refusal) throw seen.refusal;
      if (!post || post.hidden) throw postsErrors.notFound();
      if (post.deleted) throw postsErrors.deleted();
      if (post.author_id === reporterId) throw moderationErrors.ownPost();
      return this.reportIn(trx, reporterId, { ...request, version: post.version });
    });
  }

  private async reportIn(
    trx: Transaction,
    reporterId: string,
    request: ReportRequest & { version: number },
  ): Promise<Report> {
    const { postId, reason } = request;
    const cases = new CasesRepository(trx);
    let found = await cases.find(postId);
    if (found?.state !== 'open') {
      await cases.move(postId, 'open');
      found = await cases.find(postId);
    }
    const round = found?.round ?? 1;
    const report = await new ReportsRepository(trx).add({ ...request, reporterId, round });
    trx.onCommit(() => this.events.reported(postId, reason));
    return report;
  }
}
