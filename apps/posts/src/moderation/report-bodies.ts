import type { ModerationQueueItem, ReportReason } from '@rostrum/contracts';
import type { Person } from '../profiles/profile';

interface CountedReports {
  reason: ReportReason;
  count: number;
}

/** How many have reported something, for which reason. */
export function tally(counts: readonly CountedReports[]): ModerationQueueItem['reports'] {
  return {
    count: counts.reduce((sum, { count }) => sum + count, 0),
    reasons: Object.fromEntries(counts.map(({ reason, count }) => [reason, count])),
  };
}

/** Null where their account is gone. */
export function reporterOf(report: {
  reporterId: string | null;
  reporterName: string | null;
}): Person | null {
  const { reporterId, reporterName } = report;
  return reporterId === null ? null : somebody(reporterId, reporterName);
}

/** Whoever has left has no name. */
export const somebody = (id: string, name: string | null): Person => ({ id, username: name ?? '' });
