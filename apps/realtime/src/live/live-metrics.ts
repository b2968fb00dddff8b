import type { gapReasons } from '@rostrum/contracts';
import type { Kit } from '@rostrum/service-kit';
import { channelKinds, type ChannelKind } from './channel-names';

/** `live`: nothing was missed; `replayed`: from the log; `stored`: from PostgreSQL; `gap`: something is lost. */
export const resumeOutcomes = ['live', 'replayed', 'stored', 'gap'] as const;

export type ResumeOutcome = (typeof resumeOutcomes)[number];

const fanOutBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

/** What becomes of channels and what is told on them. */
export class LiveMetrics {
  private readonly resumes;
  private readonly gaps;
  private readonly fanOut;
  private readonly holes;
  private readonly dropped;
  private readonly ended;

  constructor({ metrics }: Pick<Kit, 'metrics'>) {
    this.resumes = metrics.counter('realtime_resumes_total', 'Channels resumed, by what came of it', [
      'outcome',
    ]);
    this.gaps = metrics.counter('realtime_gaps_total', 'Gaps that clients were told of, by reason', [
      'reason',
    ]);
    this.fanOut = metrics.histogram(
      'realtime_fan_out_seconds',
      'From an event’s entry in the log to the sockets of this process',
      { buckets: fanOutBuckets },
    );
    this.holes = metrics.counter('realtime_log_reads_total', 'Times that a channel was read to fill a hole');
    this.dropped = metrics.counter('realtime_events_dropped_total', 'Events told to nobody, by reason', [
      'reason',
    ]);
    this.ended = metrics.counter(
      'realtime_subscriptions_ended_total',
      'Subscriptions that this service has ended, by kind',
      ['kind'],
    );
    for (const outcome of resumeOutcomes) this.resumes.inc({ outcome }, 0);
    for (const reason of ['trimmed', 'new_epoch', 'unavailable']) this.gaps.inc({ reason }, 0);
    this.dropped.inc({ reason: 'malformed' }, 0);
    for (const kind of channelKinds) this.ended.inc({ kind }, 0);
  }

  resumed(outcome: ResumeOutcome): void {
    this.resumes.inc({ outcome });
  }

  gapTold(reason: (typeof gapReasons)[number]): void {
    this.gaps.inc({ reason });
  }

  fannedOut(seconds: number): void {
    this.fanOut.observe(Math.max(0, seconds));
  }

  holeFound(): void {
    this.holes.inc();
  }

  eventDropped(reason: string): void {
    this.dropped.inc({ reason });
  }

  subscriptionEnded(kind: ChannelKind): void {
    this.ended.inc({ kind });
  }
}
