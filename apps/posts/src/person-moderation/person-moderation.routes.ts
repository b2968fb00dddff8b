import {
  closePersonRoute,
  escalatePersonRoute,
  personQueueRoute,
  personRecordRoute,
  reportPersonRoute,
  type PersonCase as CaseBody,
  type PersonQueueItem,
  type PersonReport,
} from '@rostrum/contracts';
import type { RouteBinder } from '@rostrum/service-kit';
import { reporterOf, somebody, tally } from '../moderation/report-bodies';
import { personOf } from '../profiles/viewer';
import { nextLink } from '../visibility/page-reply';
import type { PersonCase } from './person-cases.repository';
import type { PersonModerationService, PersonReportCount } from './person-moderation.service';
import type { PersonReportRow } from './person-reports.repository';

function toCaseBody({ id, username, state, since }: PersonCase): CaseBody {
  return { person: { id, username }, state, since: since.toISOString() };
}

function toItem(found: PersonCase, counts: readonly PersonReportCount[]): PersonQueueItem {
  const own = counts.filter(({ personId }) => personId === found.id);
  return { ...toCaseBody(found), reports: tally(own) };
}

const stands = (found: PersonCase): { status: 200; body: CaseBody } => ({
  status: 200,
  body: toCaseBody(found),
});

const reportedAs =
  (username: string) =>
  ({ createdAt, ...report }: PersonReportRow): { status: 201; body: PersonReport } => ({
    status: 201,
    body: { ...report, username, createdAt: createdAt.toISOString() },
  });

export function personModerationRoutes(binder: RouteBinder, moderation: PersonModerationService): void {
  binder.bind(reportPersonRoute, ({ user, params: { username }, body: { reason, note = null }, once }) =>
    once(
      (write) => moderation.report(personOf(user), { username, reason, note }, write),
      reportedAs(username),
    ),
  );

  binder.bind(personQueueRoute, async ({ user, query: { state, cursor, limit }, signal }) => {
    const { people, counts, nextCursor } = await moderation.list(user.userId, {
      state,
      cursor,
      limit,
      signal,
    });
    const headers = nextLink({ path: `${personQueueRoute.path}?state=${state}`, limit, nextCursor });
    return { status: 200, body: { items: people.map((each) => toItem(each, counts)), nextCursor }, headers };
  });

  binder.bind(personRecordRoute, async ({ user, params, signal }) => {
    const { found, reports, log } = await moderation.record(user.userId, params.id.toLowerCase(), signal);
    return {
      status: 200,
      body: {
        case: toCaseBody(found),
        reports: reports.map(({ reporterId, reporterName, createdAt, ...report }) => ({
          ...report,
          reporter: reporterOf({ reporterId, reporterName }),
          createdAt: createdAt.toISOString(),
        })),
        log: log.map(({ actorId, actorName, at, ...entry }) => ({
          ...entry,
          moderator: somebody(actorId, actorName),
          at: at.toISOString(),
        })),
      },
    };
  });

  for (const [route, to] of [
    [escalatePersonRoute, 'escalated'],
    [closePersonRoute, 'closed'],
  ] as const) {
    binder.bind(route, ({ user, params, body: { reason }, once }) => {
      const decision = { personId: params.id.toLowerCase(), to, reason };
      return once((write) => moderation.decide(personOf(user), decision, write), stands);
    });
  }
}
