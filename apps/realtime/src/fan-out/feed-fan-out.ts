import { channels } from '../live/channel-names';
import type { LiveEvent } from '../live/live-event';
import type { LivePublisher } from '../live/live-publisher';
import type { FeedReaders } from './feed-readers';
import type { FollowsRepository } from './follows.repository';

export interface FeedFanOutParts {
  publisher: Pick<LivePublisher, 'toChannels'>;
  readers: Pick<FeedReaders, 'all'>;
}

/** So few are told without a look at who is there: telling somebody who is not costs no more than looking. */
const fewFollowers = 500;
const readersAtOnce = 5000;

/** Tells the followers of somebody who listen at present. Millions who do not cost nothing. */
export class FeedFanOut {
  constructor(private readonly parts: FeedFanOutParts) {}

  async tellFollowers(follows: FollowsRepository, authorId: string, event: LiveEvent): Promise<void> {
    const some = await follows.followersOf(authorId, fewFollowers + 1);
    if (some.length <= fewFollowers) {
      await this.tell(some, event);
      return;
    }
    const readers = await this.parts.readers.all();
    for (let start = 0; start < readers.length; start += readersAtOnce) {
      await this.tellAmong(follows, authorId, { some: readers.slice(start, start + readersAtOnce), event });
    }
  }

  /** Those of them who follow the author. */
  async tellAmong(
    follows: FollowsRepository,
    authorId: string,
    { some, event }: { some: readonly string[]; event: LiveEvent },
  ): Promise<void> {
    await this.tell(await follows.followersAmong(authorId, some), event);
  }

  private async tell(userIds: readonly string[], event: LiveEvent): Promise<void> {
    await this.parts.publisher.toChannels(userIds.map(channels.feed), event);
  }
}
