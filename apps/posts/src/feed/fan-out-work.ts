import { setTimeout as delay } from 'node:timers/promises';
import { RepeatedWork, type BackgroundWork, type Kit } from '@rostrum/service-kit';
import type { FanOutRounds } from './fan-out';
import type { FanOutsRepository } from './fan-outs.repository';

/** Looked at so often also when nobody says that there is something to do. */
const everyMs = 1_000;

/** Rounds that bring less are over before anybody has noticed them. */
const manyDeliveries = 100;
/** For each millisecond of work, as long as nothing else waits. */
const restPerWork = 1;
const longestRestMs = 10;

/** Brings what is on its way, round after round, as long as there is something. */
export class FanOutWork implements BackgroundWork {
  readonly name = 'feed fan-out';
  private readonly work: RepeatedWork;
  private readonly deliveries;
  private readonly finished;
  private stopping = false;

  constructor(
    { logger, metrics }: Pick<Kit, 'logger' | 'metrics'>,
    private readonly rounds: Pick<FanOutRounds, 'round'>,
    fanOuts: Pick<FanOutsRepository, 'waiting'>,
  ) {
    this.deliveries = metrics.counter('feed_deliveries_total', 'Timelines that posts have been brought to');
    this.finished = metrics.counter('feed_fanouts_total', 'Posts that have reached all timelines');
    for (const counter of [this.deliveries, this.finished]) counter.inc(0);
    metrics.gauge('feed_fanouts_waiting', 'Posts that have yet to reach timelines', {
      collect: async (gauge) => gauge.set((await fanOuts.waiting()).count),
    });
    metrics.gauge('feed_fanout_lag_seconds', 'The age of the oldest post that has yet to reach timelines', {
      collect: async (gauge) => gauge.set((await fanOuts.waiting()).oldestSeconds),
    });
    this.work = new RepeatedWork({
      name: this.name,
      everyMs,
      firstAfterMs: 0,
      round: () => this.untilNothingWaits(),
      onError: (error) => logger.warn('Posts wait: they could not be brought to timelines', { error }),
    });
  }

  start(): Promise<void> {
    return this.work.start();
  }

  /** Ends after the batches under way; what is left is for others, or for later. */
  async stop(): Promise<void> {
    this.stopping = true;
    await this.work.stop();
  }

  /** Something is there to be brought. */
  wake(): void {
    void this.work.runNow();
  }

  private async untilNothingWaits(): Promise<void> {
    while (!this.stopping) {
      const began = performance.now();
      const round = await this.rounds.round();
      if (!round) return;
      this.deliveries.inc(round.deliveries);
      this.finished.inc(round.finished);
      // Those who read and write meanwhile come first: a post for many may take a second or two.
      if (round.wasAll && round.deliveries >= manyDeliveries) await this.rest(performance.now() - began);
    }
  }

  private async rest(workedMs: number): Promise<void> {
    if (!this.stopping) await delay(Math.min(longestRestMs, restPerWork * workedMs));
  }
}
