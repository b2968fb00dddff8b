import { kindOf } from './channel-names';
import type { PostsClient } from './posts.client';

interface Question {
  channel: string;
  resolve: (visible: boolean) => void;
  reject: (error: unknown) => void;
}

interface Remembered {
  visible: boolean;
  until: number;
}

const rememberedMs = 10_000;
const mostRemembered = 20_000;

/** Whether somebody may see what a channel is about. What is asked for a person in one turn is one question to posts. */
export class Visibility {
  private readonly remembered = new Map<string, Remembered>();
  private gathered = new Map<string, Question[]>();

  constructor(private readonly posts: Pick<PostsClient, 'visible'>) {}

  async maySee(userId: string, channel: string): Promise<boolean> {
    const kind = kindOf(channel);
    // Named after the person themselves.
    if (kind === 'user' || kind === 'feed') return true;
    const known = this.remembered.get(keyOf(userId, channel));
    if (known && known.until > performance.now()) return known.visible;
    return new Promise((resolve, reject) => this.gather(userId, { channel, resolve, reject }));
  }

  /** Something has happened that may have changed it. */
  async maySeeNow(userId: string, channels: readonly string[]): Promise<Set<string>> {
    for (const channel of channels) this.remembered.delete(keyOf(userId, channel));
    const seen = await this.posts.visible(userId, channels);
    for (const channel of channels) this.remember(keyOf(userId, channel), seen.has(channel));
    return seen;
  }

  /** What is remembered of these people; of all, where none are named. */
  forget(userIds?: readonly string[]): void {
    if (!userIds) {
      this.remembered.clear();
      return;
    }
    for (const key of this.remembered.keys()) {
      if (userIds.some((userId) => key.startsWith(userId))) this.remembered.delete(key);
    }
  }

  private gather(userId: string, question: Question): void {
    if (this.gathered.size === 0) setImmediate(() => this.askAll());
    const questions = this.gathered.get(userId);
    if (questions) questions.push(question);
    else this.gathered.set(userId, [question]);
  }

  private askAll(): void {
    const { gathered } = this;
    this.gathered = new Map();
    for (const [userId, questions] of gathered) void this.ask(userId, questions);
  }

  private async ask(userId: string, questions: readonly Question[]): Promise<void> {
    try {
      const seen = await this.maySeeNow(userId, [...new Set(questions.map(({ channel }) => channel))]);
      for (const { channel, resolve } of questions) resolve(seen.has(channel));
    } catch (error) {
      for (const { reject } of questions) reject(error);
    }
  }

  private remember(key: string, visible: boolean): void {
    this.remembered.delete(key);
    this.remembered.set(key, { visible, until: performance.now() + rememberedMs });
    if (this.remembered.size <= mostRemembered) return;
    const [oldest] = this.remembered.keys();
    if (oldest !== undefined) this.remembered.delete(oldest);
  }
}

function keyOf(userId: string, channel: string): string {
  return `${userId} ${channel}`;
}
