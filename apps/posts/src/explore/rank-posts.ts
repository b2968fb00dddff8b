import type { ExploreScoresRepository } from './explore-scores.repository';
import { afterAll, dayMs, firstIdAt } from './ranking';
import type { RankingsRepository } from './rankings.repository';

export interface RankPostsOptions {
  scores: Pick<ExploreScoresRepository, 'score' | 'forget'>;
  rankings: Pick<RankingsRepository, 'lastSweep' | 'make' | 'removeOlderThan'>;
  everyMs: number;
  now?: () => number;
}

const windowMs = 3 * dayMs;
const keptMs = 60 * 60 * 1_000;
const inBatch = 5_000;
/** Besides the newest. A round costs the same however many posts there are. */
const batchesOfSweep = 3;

/**
 * Makes the order in which posts are explored. Each round scores the newest posts, and goes on with the others of the
 * last days where the last one stopped: fewer than twenty thousand are scored anew in every round, a million in fifty.
 */
export class RankPosts {
  constructor(private readonly options: RankPostsOptions) {}

  /** False where another worker has done it just now. */
  async round(): Promise<boolean> {
    const { scores, rankings, everyMs, now = Date.now } = this.options;
    const notWithinMs = everyMs / 2;
    const last = await rankings.lastSweep();
    if (last && last.ageMs < notWithinMs) return false;
    const time = now();
    const since = firstIdAt(time - windowMs);
    const sweptTo = await this.sweep(last?.sweptTo ?? undefined, since);
    while ((await scores.forget(since, inBatch)) === inBatch);
    await rankings.make({ sweptTo, tagsSince: firstIdAt(time - dayMs), notWithinMs });
    await rankings.removeOlderThan(keptMs);
    return true;
  }

  /** Resolves to where the next one goes on; undefined where this one has come to the end. */
  private async sweep(from: string | undefined, since: string): Promise<string | undefined> {
    const { scores } = this.options;
    const newest = await scores.score({ before: afterAll, since, limit: inBatch });
    let position = newest.last;
    if (newest.looked < inBatch || position === undefined) return undefined;
    if (from !== undefined && from < position) position = from;
    for (let batch = 0; batch < batchesOfSweep; batch += 1) {
      const { looked, last } = await scores.score({ before: position, since, limit: inBatch });
      if (looked < inBatch || last === undefined) return undefined;
      position = last;
    }
    return position;
  }
}
