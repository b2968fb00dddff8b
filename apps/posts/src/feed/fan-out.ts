import type { Database } from '@rostrum/data-access';
import { FanOutsRepository, type FanOut } from './fan-outs.repository';
import type { Timelines, Written } from './timelines';

export interface FanOutOptions {
  /** Authors with so many followers are pulled. */
  pullFrom: number;
  /** So many followers at a time are brought one post. */
  batch: number;
}

export interface Delivered {
  /** Timelines that were told. */
  deliveries: number;
  /** Posts that have reached everybody. */
  finished: number;
}

export interface Round extends Delivered {
  /** Whether these were all that were on their way. */
  wasAll: boolean;
}

/** Posts in one transaction: for each a batch of followers. */
const postsAtOnce = 16;

/**
 * Brings posts to the timelines of those who follow their authors, batch by batch. How far each has come is noted in
 * the transaction that holds it: a worker that is killed loses its place in it, and the batch under way is brought once
 * more by the next, which nobody sees.
 *
 * An author whom too many follow becomes a pulled one with the first post that finds it so. That is committed before
 * anybody is told; then that post, as all that come after it, is put in one place and is there for everybody. They stay
 * so when they have fewer followers again: what has not been brought to anybody is still to be found.
 */
export class FanOutRounds {
  constructor(
    private readonly database: Pick<Database, 'transaction'>,
    private readonly timelines: Pick<Timelines, 'bring' | 'keep' | 'arrived'>,
    private readonly options: FanOutOptions,
  ) {}

  /** Undefined when nothing is on its way. */
  round(): Promise<Round | undefined> {
    // What is done at Redis bears repeating, but whoever calls this repeats it anyway.
    return this.database.transaction(
      async (trx) => {
        const repository = new FanOutsRepository(trx);
        const taken = await repository.take(postsAtOnce);
        if (taken.length === 0) return undefined;
        const wideOnes = taken.filter((each) => this.isTooWide(each));
        // They are kept with the next round.
        if (wideOnes.length > 0) await repository.pull(wideOnes);
        const kept = taken.filter(({ is_pulled }) => is_pulled);
        for (const each of kept) await this.timelines.keep(toWritten(each));
        if (kept.length > 0) await repository.finish(kept.map(({ post_id }) => post_id));
        const brought = taken.filter((each) => !wideOnes.includes(each) && !kept.includes(each));
        const delivered = await this.bring(repository, brought);
        // Within the transaction: where it is not told, they are brought again.
        const arrived = [...kept, ...brought].map(({ author_id }) => author_id);
        await this.timelines.arrived(
          arrived,
          kept.some(({ batches }) => batches > 0),
        );
        const wasAll = taken.length < postsAtOnce;
        return { ...delivered, finished: delivered.finished + kept.length, wasAll };
      },
      { operation: 'fan-out', retries: 0 },
    );
  }

  private isTooWide({ is_pulled, followers }: FanOut): boolean {
    return !is_pulled && followers >= this.options.pullFrom;
  }

  private async bring(repository: FanOutsRepository, fanOuts: readonly FanOut[]): Promise<Delivered> {
    if (fanOuts.length === 0) return { deliveries: 0, finished: 0 };
    const { batch } = this.options;
    const recipients = await repository.recipients(fanOuts, batch);
    const further: Pick<FanOut, 'post_id' | 'after'>[] = [];
    const finished: string[] = [];
    let deliveries = 0;
    for (const fanOut of fanOuts) {
      const followers = recipients.get(fanOut.post_id) ?? [];
      await this.bringTo(fanOut, followers);
      deliveries += followers.length;
      const last = followers.at(-1);
      if (followers.length < batch || last === undefined) finished.push(fanOut.post_id);
      else further.push({ post_id: fanOut.post_id, after: last });
    }
    if (finished.length > 0) await repository.finish(finished);
    if (further.length > 0) await repository.goOn(further);
    return { deliveries, finished: finished.length };
  }

  private async bringTo(fanOut: FanOut, followers: readonly string[]): Promise<void> {
    const { author_id, batches } = fanOut;
    // Also to the author, for posts that no request of theirs has published.
    await this.timelines.bring(toWritten(fanOut), batches === 0 ? [author_id, ...followers] : followers);
  }
}

function toWritten({ post_id, author_id, reposted_id }: FanOut): Written {
  return reposted_id === null
    ? { postId: post_id, authorId: author_id }
    : { postId: reposted_id, authorId: author_id, repostId: post_id };
}
