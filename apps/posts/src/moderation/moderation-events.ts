import { reportReasons, type ReportReason } from '@rostrum/contracts';
import type { Metrics, RostrumLogger } from '@rostrum/observability';
import { decisionRules, type DecisionKind } from './moderation-case';

interface Eyes {
  logger: Pick<RostrumLogger, 'info'>;
  metrics: Pick<Metrics, 'counter'>;
}

const personDecisions = ['escalated', 'closed'] as const;

/** What happens in moderation: one log line and one counter each. Who has reported is in neither. */
export class ModerationEvents {
  private readonly logger: Eyes['logger'];
  private readonly reports;
  private readonly personReports;
  private readonly personDecisions;
  private readonly decisions;
  private readonly appeals;

  constructor({ logger, metrics }: Eyes) {
    this.logger = logger;
    this.reports = metrics.counter('posts_reported_total', 'Reports of posts', ['reason']);
    this.decisions = metrics.counter('moderation_decisions_total', 'What moderators have decided', ['kind']);
    this.appeals = metrics.counter('moderation_appeals_total', 'Appeals against decisions to hide');
    this.personReports = metrics.counter('people_reported_total', 'Reports of people', ['reason']);
    this.personDecisions = metrics.counter(
      'person_moderation_decisions_total',
      'What moderators have decided about people',
      ['kind'],
    );
    for (const reason of reportReasons) {
      this.reports.inc({ reason }, 0);
      this.personReports.inc({ reason }, 0);
    }
    for (const kind of personDecisions) this.personDecisions.inc({ kind }, 0);
    for (const kind of Object.keys(decisionRules)) this.decisions.inc({ kind }, 0);
    this.appeals.inc(0);
  }

  reported(postId: string, reason: ReportReason): void {
    this.reports.inc({ reason });
    this.logger.info('Post reported', { post_id: postId, reason });
  }

  decided(postId: string, kind: DecisionKind, moderatorId: string): void {
    this.decisions.inc({ kind });
    this.logger.info('Moderation decided', { post_id: postId, kind, moderator_id: moderatorId });
  }

  personReported(personId: string, reason: ReportReason): void {
    this.personReports.inc({ reason });
    this.logger.info('Person reported', { profile_id: personId, reason });
  }

  personDecided(personId: string, kind: (typeof personDecisions)[number], moderatorId: string): void {
    this.personDecisions.inc({ kind });
    this.logger.info('Person moderated', { profile_id: personId, kind, moderator_id: moderatorId });
  }

  appealed(postId: string): void {
    this.appeals.inc();
    this.logger.info('Moderation appealed', { post_id: postId });
  }
}
