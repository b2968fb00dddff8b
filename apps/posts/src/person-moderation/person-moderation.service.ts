import type { PersonCaseState, ReportReason } from '@rostrum/contracts';
import { createCursorCodec } from '@rostrum/security';
import type { Write } from '@rostrum/service-kit';
import type { ModerationEvents } from '../moderation/moderation-events';
import { lockPair } from '../profiles/pairs';
import { PairsRepository } from '../profiles/pairs.repository';
import type { Person } from '../profiles/profile';
import { profilesErrors } from '../profiles/profiles.errors';
import { ProfilesRepository } from '../profiles/profiles.repository';
import { PersonCasesRepository, type PersonCase, type QueuedPerson } from './person-cases.repository';
import { personModerationErrors } from './person-moderation.errors';
import {
  PersonReportsRepository,
  type FiledPersonReport,
  type PersonDecision,
  type PersonReportRow,
} from './person-reports.repository';

export interface PersonModerationDependencies {
  cases: Pick<PersonCasesRepository, 'find' | 'queue' | 'countReports'>;
  reports: Pick<PersonReportsRepository, 'of' | 'decisionsOn'>;
  events: Pick<ModerationEvents, 'personReported' | 'personDecided'>;
  cursorSecret: string;
}

export interface PersonReportRequest {
  username: string;
  reason: ReportReason;
  note: string | null;
}

export interface PersonQueuePage {
  state: PersonCaseState;
  cursor: string | undefined;
  limit: number;
  signal: AbortSignal;
}

export type PersonReportCount = Awaited<ReturnType<PersonCasesRepository['countReports']>>[number];

const mostInRecord = 200;

/** Whatever happens to one person happens one after the other: the row of their profile is locked. */
export class PersonModerationService {
  constructor(private readonly dependencies: PersonModerationDependencies) {}

  /** Also whom one does not see: who insults somebody and blocks them then is to be told of. */
  report(
    reporter: Person,
    { username, reason, note }: PersonReportRequest,
    write: Write<PersonReportRow>,
  ): Promise<PersonReportRow> {
    return write(async (trx) => {
      const { id: personId } = await lockPair(trx, reporter, username);
      if (personId === reporter.id) throw personModerationErrors.ownAccount();
      const reports = new PersonReportsRepository(trx);
      const before = await reports.find(reporter.id, personId);
      if (before) return before;
      const cases = new PersonCasesRepository(trx);
      const found = await cases.find(personId);
      const isWaiting = found !== undefined && found.state !== 'closed';
      const round = isWaiting ? found.round : await cases.move(personId, 'open');
      trx.onCommit(() => this.dependencies.events.personReported(personId, reason));
      return reports.add({ personId, reporterId: reporter.id, reason, note, round });
    });
  }

  decide(
    moderator: Person,
    { personId, to, reason }: { personId: string; to: 'escalated' | 'closed'; reason: string },
    write: Write<PersonCase>,
  ): Promise<PersonCase> {
    return write(async (trx) => {
      if (personId === moderator.id) throw personModerationErrors.ownAccount();
      await new ProfilesRepository(trx).ensure(moderator);
      const [person] = await new PairsRepository(trx).lockAll([personId]);
      if (!person || person.isDeleted) throw profilesErrors.notFound();
      const cases = new PersonCasesRepository(trx);
      const found = await cases.find(personId);
      const decidable = to === 'closed' ? found?.state !== 'closed' : found?.state === 'open';
      if (!found || !decidable) throw personModerationErrors.nothingToDecide();
      await cases.move(personId, to);
      await new PersonReportsRepository(trx).enter({ personId, kind: to, actorId: moderator.id, reason });
      trx.onCommit(() => this.dependencies.events.personDecided(personId, to, moderator.id));
      return (await cases.find(personId)) ?? found;
    });
  }

  async list(
    moderatorId: string,
    { state, cursor, limit, signal }: PersonQueuePage,
  ): Promise<{ people: QueuedPerson[]; counts: PersonReportCount[]; nextCursor: string | null }> {
    const { cases, cursorSecret } = this.dependencies;
    const cursors = createCursorCodec<string>(cursorSecret, `person moderation:${state}:${moderatorId}`);
    const after = cursor === undefined ? undefined : cursors.decode(cursor);
    // One more than is asked for: whether the list goes on.
    const found = await cases.queue({ state, moderatorId, after, limit: limit + 1 }, { signal });
    const people = found.slice(0, limit);
    const last = people.at(-1);
    const counts = await cases.countReports(
      people.map(({ id }) => id),
      { signal },
    );
    return {
      people,
      counts,
      nextCursor: found.length > limit && last ? cursors.encode(last.position) : null,
    };
  }

  async record(
    moderatorId: string,
    personId: string,
    signal: AbortSignal,
  ): Promise<{ found: PersonCase; reports: FiledPersonReport[]; log: PersonDecision[] }> {
    const { cases, reports } = this.dependencies;
    if (personId === moderatorId) throw personModerationErrors.ownAccount();
    const [found, filed, log] = await Promise.all([
      cases.find(personId, { signal }),
      reports.of(personId, mostInRecord, { signal }),
      reports.decisionsOn(personId, mostInRecord, { signal }),
    ]);
    if (!found) throw profilesErrors.notFound();
    return { found, reports: filed, log };
  }
}
