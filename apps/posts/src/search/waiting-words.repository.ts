import type { Queryable } from '@rostrum/data-access';

/** Posts whose words are still to be found. */
export class WaitingWordsRepository {
  constructor(private readonly db: Queryable) {}

  /**
   * Finds the words of some, the oldest first. Several workers share them. Rows are locked in the order of their ids, as
   * wherever several are; who changes a text meanwhile finds its words as well.
   */
  async find(most: number): Promise<number> {
    const { rowCount } = await this.db.query(
      'find_words',
      `with waiting as materialized (
         select id from posts where words_wait order by id limit $1 for no key update skip locked)
       update posts p set words = posts.search_words(p.text), words_wait = false
         from waiting where p.id = waiting.id`,
      [most],
    );
    return rowCount;
  }

  /** How long the oldest has waited. */
  async lagSeconds(): Promise<number> {
    const { rows } = await this.db.query<{ lag: number }>(
      'words_lag',
      `select greatest(0, extract(epoch from now() - created_at))::float8 as lag
         from posts where words_wait order by id limit 1`,
    );
    return rows[0]?.lag ?? 0;
  }
}
