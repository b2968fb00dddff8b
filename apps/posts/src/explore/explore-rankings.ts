import { LRUCache } from 'lru-cache';
import type { Ranking } from './ranking';
import type { RankingsRepository } from './rankings.repository';

const freshMs = 1_000;
const mostRemembered = 16;
const none: Ranking = { id: '0', postIds: [], tags: [] };

/**
 * The rankings that are read. One never changes once it is made, so that the process remembers it; which is the newest
 * is asked for once in a second. Nothing in them is for one viewer: who sees what is decided with every page.
 */
export class ExploreRankings {
  private readonly remembered = new LRUCache<string, Ranking>({ max: mostRemembered });
  private newest: { ranking: Ranking; askedAt: number } | undefined;
  private asking: Promise<Ranking> | undefined;

  constructor(private readonly rankings: Pick<RankingsRepository, 'newestId' | 'find'>) {}

  async latest(): Promise<Ranking> {
    if (this.newest && performance.now() - this.newest.askedAt < freshMs) return this.newest.ranking;
    this.asking ??= this.ask().finally(() => (this.asking = undefined));
    return this.asking;
  }

  /** Undefined where it has been removed. */
  async named(id: string): Promise<Ranking | undefined> {
    const known = this.remembered.get(id);
    if (known) return known;
    const found = await this.rankings.find(id);
    if (found) this.remembered.set(id, found);
    return found;
  }

  private async ask(): Promise<Ranking> {
    const askedAt = performance.now();
    const id = await this.rankings.newestId();
    const ranking = (id !== undefined && (await this.named(id))) || none;
    this.newest = { ranking, askedAt };
    return ranking;
  }
}
