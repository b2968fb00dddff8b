import { RepeatedWork, type BackgroundWork, type Kit } from '@rostrum/service-kit';
import type { AccountJob, AccountJobKind, AccountJobsRepository } from './account-jobs.repository';
import type { AccountWork } from './account-work';
import type { PostPurge } from './post-purge';

export interface PurgeWorkParts {
  jobs: Pick<AccountJobsRepository, 'oldest' | 'count'>;
  accounts: Pick<AccountWork, 'do'>;
  posts: Pick<PostPurge, 'purgeSome'>;
}

const everyMs = 5_000;
/** Each of them gets a batch in its turn, so that none waits for a long one to be over. */
const jobsAtOnce = 50;
const kinds: readonly AccountJobKind[] = ['refresh', 'welcome', 'erase'];

/** What the worker does about accounts and about what has been deleted, for as long as there is something to do. */
export class PurgeWork implements BackgroundWork {
  readonly name = 'purge';
  private readonly rounds: RepeatedWork;
  private readonly purged;
  private readonly done;
  private stopping = false;

  constructor(
    private readonly kit: Kit,
    private readonly parts: PurgeWorkParts,
  ) {
    const { metrics } = kit;
    this.purged = metrics.counter('posts_purged_total', 'Deleted posts removed for good after their time');
    this.done = metrics.counter('account_jobs_done_total', 'What was to be done about accounts, and is', [
      'kind',
    ]);
    this.purged.inc(0);
    for (const kind of kinds) this.done.inc({ kind }, 0);
    metrics.gauge('account_jobs_waiting', 'What is still to be done about accounts', {
      collect: async (gauge) => gauge.set(await parts.jobs.count()),
    });
    this.rounds = new RepeatedWork({
      name: this.name,
      everyMs,
      firstAfterMs: 0,
      round: () => this.round(),
      onError: (error) =>
        kit.logger.warn('Work on accounts and deleted posts cannot go on for now', { error }),
    });
  }

  start(): Promise<void> {
    return this.rounds.start();
  }

  /** Waits for the batch that is under way, and no longer. */
  stop(): Promise<void> {
    this.stopping = true;
    return this.rounds.stop();
  }

  readonly wake = (): void => {
    void this.rounds.runNow();
  };

  private async round(): Promise<void> {
    for (let more = true; more && !this.stopping;) {
      const waiting = await this.parts.jobs.oldest(jobsAtOnce);
      more = false;
      for (const job of waiting) {
        if (this.stopping) return;
        if (await this.doSome(job)) more = true;
      }
      const purged = this.stopping ? 0 : await this.parts.posts.purgeSome();
      this.purged.inc(purged);
      if (purged > 0) more = true;
    }
  }

  /** Whether it went on with it. One that fails is for a later round, and holds no other up. */
  private async doSome(job: AccountJob): Promise<boolean> {
    const { kind, userId } = job;
    try {
      if (await this.parts.accounts.do(job)) {
        this.done.inc({ kind });
        this.kit.logger.info('An account has been seen to', { kind, profile_id: userId });
      }
      return true;
    } catch (error) {
      this.kit.logger.warn('Work on an account failed', { kind, profile_id: userId, error });
      return false;
    }
  }
}
