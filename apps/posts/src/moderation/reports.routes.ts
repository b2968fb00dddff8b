import {
  appealRoute,
  getPostModerationRoute,
  reportPostRoute,
  type PostAppeal,
  type PostReport,
} from '@rostrum/contracts';
import type { RouteBinder } from '@rostrum/service-kit';
import type { AppealsService } from './appeals.service';
import type { Report } from './reports.repository';
import type { ReportsService } from './reports.service';
import { withPost } from './with-post';

export interface ReportsFeature {
  reports: ReportsService;
  appeals: AppealsService;
}

const reported = ({ createdAt, ...report }: Report): { status: 201; body: PostReport } => ({
  status: 201,
  body: { ...report, createdAt: createdAt.toISOString() },
});

const appealed = (body: PostAppeal): { status: 201; body: PostAppeal } => ({ status: 201, body });

/** What everybody can do: report the posts of others, and appeal for their own. */
export function reportsRoutes(binder: RouteBinder, { reports, appeals }: ReportsFeature): void {
  binder.bind(reportPostRoute, (call) => {
    const { reason, note = null } = call.body;
    const request = { postId: call.params.id.toLowerCase(), reason, note };
    return call.once(
      (write) => reports.report(call.user.userId, request, { write, signal: () => call.signal }),
      reported,
    );
  });

  binder.bind(getPostModerationRoute, async ({ user, params, signal }) => {
    const { post, decisions } = await appeals.read(user.userId, params.id.toLowerCase(), signal);
    return { status: 200, raw: withPost(post, { hidden: post.facts.hidden, decisions }) };
  });

  binder.bind(appealRoute, ({ user, params, body: { text }, once }) =>
    once((write) => appeals.appeal(user.userId, { postId: params.id.toLowerCase(), text }, write), appealed),
  );
}
