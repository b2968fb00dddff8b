import { randomUUID } from 'node:crypto';
import { channels } from '../live/channel-names';
import type { LivePublisher } from '../live/live-publisher';

interface Change {
  likes: number;
  reposts: number;
}

/**
 * Reactions to a post are gathered for a second: thousands of likes are one event. What a worker that dies has gathered
 * is told to nobody; the counts themselves are posts' own, and right.
 */
export class ReactionCounts {
  private gathered = new Map<string, Change>();

  constructor(private readonly publisher: Pick<LivePublisher, 'toChannel'>) {}

  note(postId: string, change: Partial<Change>): void {
    const known = this.gathered.get(postId) ?? { likes: 0, reposts: 0 };
    known.likes += change.likes ?? 0;
    known.reposts += change.reposts ?? 0;
    this.gathered.set(postId, known);
  }

  async round(): Promise<void> {
    const { gathered } = this;
    this.gathered = new Map();
    const time = new Date().toISOString();
    for (const [postId, change] of gathered) {
      if (change.likes === 0 && change.reposts === 0) continue;
      const data = { postId, ...change };
      await this.publisher.toChannel(channels.post(postId), {
        id: randomUUID(),
        name: 'post.reacted',
        data,
        time,
      });
    }
  }
}
