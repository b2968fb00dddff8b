import { LRUCache } from 'lru-cache';
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
/** Somebody who is let in a moment later, as a follower perhaps, should not be told the old answer. */
const refusalRememberedMs = 1000;
const mostRemembered = 20_000;

/** Whether somebody may see what a channel is about. What is asked for a person in one turn is one question to posts. */
export class Visibility {
  private readonly remembered = new Map<string, Remembered>();
  /** Who has written a post or has a name: that stays. */
  private readonly owners = new LRUCache<string, string>({ max: mostRemembered });
  private gathered = new Map<string, Question[]>();
  /** Counts what may have changed: an answer to an older question is used, but not remembered. */
  private changes = 0;

  constructor(private readonly posts: Pick<PostsClient, 'visible' | 'viewers'>) {}

  /** Whose post or name it is, where somebody has asked for the channel lately. */
  ownerOf(channel: string): string | undefined {
    return this.owners.get(channel);
  }

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
    const { changes } = this;
    const found = await this.posts.visible(userId, channels);
    const seen = new Set(found.map(({ channel }) => channel));
    for (const { channel, ownerId } of found) if (ownerId !== undefined) this.owners.set(channel, ownerId);
    if (changes === this.changes) {
      for (const channel of channels) this.remember(keyOf(userId, channel), seen.has(channel));
    }
    return seen;
  }

  /** Of these people those who may see the post. Not remembered: it is asked once, when something is told of it. */
  async viewersAmong(postId: string, userIds: Iterable<string>): Promise<Set<string>> {
    return new Set(await this.posts.viewers(postId, [...new Set(userIds)]));
  }

  /** What is remembered of these people; of all, where none are named. */
  forget(userIds?: readonly string[]): void {
    this.changes += 1;
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
    this.remembered.set(key, {
      visible,
      until: performance.now() + (visible ? rememberedMs : refusalRememberedMs),
    });
    if (this.remembered.size <= mostRemembered) return;
    const [oldest] = this.remembered.keys();
    if (oldest !== undefined) this.remembered.delete(oldest);
  }
}

function keyOf(userId: string, channel: string): string {
  return `${userId} ${channel}`;
}
