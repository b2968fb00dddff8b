import type { Cache, Database } from '@rostrum/data-access';
import type { FollowChanges } from '../follows/follow-changes';
import { RequestsRepository } from '../follows/requests.repository';
import { PairsRepository } from '../profiles/pairs.repository';
import { AccountJobsRepository, type AccountJob } from './account-jobs.repository';
import { AccountStatesRepository } from './account-states.repository';
import type { AccountNews } from './account-news';
import type { Erasure } from './erasure';

export interface AccountWorkParts {
  database: Database;
  /** Profiles by name. */
  profiles: Pick<Cache, 'change'>;
  news: Pick<AccountNews, 'forget' | 'tell'>;
  follows: Pick<FollowChanges, 'begin'>;
  erasure: Pick<Erasure, 'eraseSome'>;
}

/**
 * Does what is to be done about accounts, a batch of it at a time. Each batch commits by itself and is found by what is
 * still there: a worker that dies, or another that does the same, makes no difference to what comes of it.
 */
export class AccountWork {
  constructor(
    private readonly parts: AccountWorkParts,
    private readonly batch: number,
  ) {}

  /** Resolves to whether that was all. */
  do(job: AccountJob): Promise<boolean> {
    if (job.kind === 'erase') return this.erase(job);
    return job.kind === 'welcome' ? this.welcome(job) : this.refresh(job);
  }

  private async refresh(job: AccountJob): Promise<boolean> {
    const { database, news } = this.parts;
    await news.forget(job.userId);
    await database.transaction(async (trx) => {
      await news.tell(trx, job.userId);
      await new AccountJobsRepository(trx).finish(job);
    });
    return true;
  }

  private async erase(job: AccountJob): Promise<boolean> {
    const { database, erasure, news } = this.parts;
    const { userId } = job;
    if ((await erasure.eraseSome(userId, this.batch)) > 0) return false;
    const states = new AccountStatesRepository(database);
    const username = await states.nameOf(userId);
    await states.anonymise(userId);
    await news.forget(userId, username);
    await new AccountJobsRepository(database).finish(job);
    return true;
  }

  /** Whoever waits to follow an account that has become public. One that is private again goes on asking. */
  private async welcome(job: AccountJob): Promise<boolean> {
    const { database, profiles, follows } = this.parts;
    const { userId } = job;
    const waiting = await new RequestsRepository(database).to(userId, {
      after: undefined,
      limit: this.batch,
    });
    const username = await new AccountStatesRepository(database).nameOf(userId);
    const names = [username ?? '', ...waiting.map((each) => each.username)];
    return profiles.change(names, () =>
      database.transaction(async (trx) => {
        const ids = [userId, ...waiting.map(({ id }) => id)];
        const locked = await new PairsRepository(trx).lockAll(ids);
        const owner = locked.find(({ id }) => id === userId);
        if (waiting.length === 0 || !owner || owner.isPrivate || owner.isGone) {
          await new AccountJobsRepository(trx).finish(job);
          return true;
        }
        for (const { id, username: name } of waiting)
          await follows.begin(trx, { id, username: name }, userId);
        return false;
      }),
    );
  }
}
