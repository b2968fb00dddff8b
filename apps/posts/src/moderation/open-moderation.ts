import type { Database } from '@rostrum/data-access';
import type { EventPublisher, Kit } from '@rostrum/service-kit';
import type { VersionsService } from '../posts/versions.service';
import { PersonCasesRepository } from '../person-moderation/person-cases.repository';
import { PersonModerationService } from '../person-moderation/person-moderation.service';
import { PersonReportsRepository } from '../person-moderation/person-reports.repository';
import type { Visibility } from '../visibility/open-visibility';
import { AppealsService } from './appeals.service';
import { CasesRepository, type Waiting } from './cases.repository';
import { DecisionsService } from './decisions.service';
import { ModerationEvents } from './moderation-events';
import { ModerationLog } from './moderation-log.repository';
import { ModerationQueue } from './moderation-queue.service';
import type { ModerationFeature } from './moderation.routes';
import { ReportsRepository } from './reports.repository';
import { ReportsService } from './reports.service';

interface ModerationParts {
  kit: Kit;
  database: Database;
  visibility: Visibility;
  publisher: EventPublisher;
  posts: { versions: VersionsService };
}

export function openModeration(
  { kit, database, visibility, publisher, posts: { versions } }: ModerationParts,
  cursorSecret: string,
): ModerationFeature {
  const { reader, postCache: cache } = visibility;
  const events = new ModerationEvents(kit);
  const cases = new CasesRepository(database);
  const reports = new ReportsRepository(database);
  const log = new ModerationLog(database);
  return {
    versions,
    queue: new ModerationQueue({ cases, reports, log, visibility, cursorSecret }),
    decisions: new DecisionsService({ cache, publisher, events }),
    reports: new ReportsService(reader, events),
    appeals: new AppealsService({ log, reader, events }),
    people: new PersonModerationService({
      cases: new PersonCasesRepository(database),
      reports: new PersonReportsRepository(database),
      events,
      cursorSecret,
    }),
  };
}

const waitingStates = ['open', 'appealed'] as const;
const waitingPeople = ['open', 'escalated'] as const;

/** What operators see of the queue: whether anybody works on it. One reading serves all gauges of a scrape. */
export function watchModeration({ metrics }: Kit, database: Database): void {
  const cases = new CasesRepository(database);
  let reading: Promise<Waiting[]> | undefined;
  const read = () => (reading ??= cases.waiting().finally(() => (reading = undefined)));
  metrics.gauge(
    'moderation_open_reports',
    'Reports that nobody has decided; of very many, no more are counted',
    {
      collect: async (gauge) => gauge.set((await read()).reduce((sum, { reports }) => sum + reports, 0)),
    },
  );
  const ofStates = (name: string, help: string, value: (found: Waiting) => number) =>
    metrics.gauge(name, help, {
      labelNames: ['state'],
      collect: async (gauge) => {
        const found = await read();
        for (const state of waitingStates) {
          const waiting = found.find((each) => each.state === state);
          gauge.set({ state }, waiting ? value(waiting) : 0);
        }
      },
    });
  const people = new PersonCasesRepository(database);
  metrics.gauge('moderation_people_waiting', 'Reported people who wait for a moderator or an admin', {
    labelNames: ['state'],
    collect: async (gauge) => {
      const found = await people.waiting();
      for (const state of waitingPeople)
        gauge.set({ state }, found.find((each) => each.state === state)?.people ?? 0);
    },
  });
  ofStates('moderation_posts_waiting', 'Posts that wait for a moderator', ({ posts }) => posts);
  ofStates(
    'moderation_oldest_seconds',
    'How long the post that has waited longest for a moderator has waited',
    ({ oldestSeconds }) => oldestSeconds,
  );
}
