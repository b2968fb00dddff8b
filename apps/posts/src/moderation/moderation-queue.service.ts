import type {
  FiledReport as FiledReportBody,
  ModerationCase as CaseBody,
  ModerationEntry,
  ModerationQueueItem,
  ModerationState,
} from '@rostrum/contracts';
import { createCursorCodec } from '@rostrum/security';
import type { PostPages } from '../visibility/post-pages';
import type { PostReader, ShownPost } from '../visibility/post-reader';
import { postsErrors } from '../posts/posts.errors';
import type { CasesRepository, QueuedCase } from './cases.repository';
import { claimOf, toCaseBody, type ModerationCase } from './moderation-case';
import type { FiledReport, ReportCount, ReportsRepository } from './reports.repository';
import type { Entry, EntryKind, ModerationLog } from './moderation-log.repository';
import { appealOf } from './appeals.service';
import { moderationErrors } from './moderation.errors';
import { reporterOf, somebody, tally } from './report-bodies';

export interface QueueDependencies {
  cases: Pick<CasesRepository, 'queue' | 'find'>;
  reports: Pick<ReportsRepository, 'count' | 'of'>;
  log: Pick<ModerationLog, 'of' | 'noteReading'>;
  visibility: { reader: Pick<PostReader, 'show'>; pages: Pick<PostPages, 'page'> };
  cursorSecret: string;
}

export interface QueuePageRequest {
  state: ModerationState;
  cursor: string | undefined;
  limit: number;
  signal: AbortSignal;
}

/** A post as it is sent, and what stands beside it. */
export type QueuedPost = { post: ShownPost; rest: Omit<ModerationQueueItem, 'post'> };

export interface ModerationRecord {
  post: ShownPost;
  rest: { case: CaseBody | null; reports: FiledReportBody[]; log: ModerationEntry[] };
}

const everything: readonly EntryKind[] = ['claimed', 'released', 'hidden', 'restored', 'dismissed', 'upheld'];
const mostInRecord = 200;

/**
 * What moderators read. Their own posts are nothing for them: they would see who has reported them. What is not for
 * everybody is shown once it is written down that they have read it.
 */
export class ModerationQueue {
  constructor(private readonly dependencies: QueueDependencies) {}

  async list(
    moderatorId: string,
    { state, cursor, limit, signal }: QueuePageRequest,
  ): Promise<{ items: QueuedPost[]; nextCursor: string | null }> {
    const { cases, reports, log, visibility, cursorSecret } = this.dependencies;
    const cursors = createCursorCodec<string>(cursorSecret, `moderation:${state}:${moderatorId}`);
    const { shown, next } = await visibility.pages.page(
      moderatorId,
      {
        source: (after, most) => cases.queue({ state, moderatorId, after, limit: most }, { signal }),
        after: cursor === undefined ? undefined : cursors.decode(cursor),
        limit,
      },
      { place: 'moderation', signal: () => signal },
    );
    const there = shown.filter(({ post }) => !post.isTombstone);
    const ids = there.map(({ entry }) => entry.postId);
    const [counts] = await Promise.all([
      reports.count(ids, { signal }),
      log.noteReading(moderatorId, ids, { signal }),
    ]);
    return {
      items: there.map(({ entry, post }) => ({ post, rest: toQueueItem(entry, counts) })),
      nextCursor: next === undefined ? null : cursors.encode(next),
    };
  }

  async record(moderatorId: string, postId: string, signal: AbortSignal): Promise<ModerationRecord> {
    const { cases, reports, log, visibility } = this.dependencies;
    const how = { place: 'moderation', signal: () => signal } as const;
    const [post] = await visibility.reader.show(moderatorId, [postId], how);
    if (!post) throw postsErrors.notFound();
    if (post.facts.authorId === moderatorId) throw moderationErrors.ownPost();
    const [found, filed, entries] = await Promise.all([
      cases.find(postId, { signal }),
      reports.of(postId, mostInRecord, { signal }),
      log.of(postId, { kinds: everything, limit: mostInRecord }, { signal }),
      log.noteReading(moderatorId, [postId], { signal }),
    ]);
    return {
      post,
      rest: {
        case: found ? toCaseBody(found) : null,
        reports: filed.map((report) => toReportBody(report, found)),
        log: entries.map(toEntryBody),
      },
    };
  }
}

function toQueueItem(entry: QueuedCase, counts: readonly ReportCount[]): QueuedPost['rest'] {
  const { postId, state, since, appealText, appealedAt } = entry;
  const own = counts.filter((each) => each.postId === postId);
  return {
    state,
    since: since.toISOString(),
    claim: claimOf(entry),
    reports: tally(own),
    appeal:
      appealText === null || appealedAt === null
        ? null
        : { text: appealText, createdAt: appealedAt.toISOString() },
  };
}

function toReportBody(report: FiledReport, found: ModerationCase | undefined): FiledReportBody {
  const { id, reason, note, version, round, createdAt } = report;
  return {
    id,
    reporter: reporterOf(report),
    reason,
    note,
    version,
    current: found?.state === 'open' && found.round === round,
    createdAt: createdAt.toISOString(),
  };
}

function toEntryBody(entry: Entry): ModerationEntry {
  const { id, kind, actorId, actorName, reason, version, at } = entry;
  const moderator = somebody(actorId, actorName);
  return { id, kind, moderator, reason, version, at: at.toISOString(), appeal: appealOf(entry) };
}
