import { problems } from '@rostrum/errors';
import { createSubscriber, type Redis, type Subscriber } from '@rostrum/data-access';
import { userChannel, userOfChannel } from './user-event';

export interface UserChannelsOptions {
  redis: Redis;
  onMessage: (userId: string, text: string) => void;
  /** All subscriptions are in place, at first or again after the connection was lost. */
  onSynced: (channels: number) => void;
  onError: (error: unknown) => void;
}

interface Held {
  count: number;
  subscribed: Promise<void>;
}

/** The channels of the users whose sockets this process holds: one subscription each, however many sockets. */
export class UserChannels {
  private readonly held = new Map<string, Held>();
  private readonly subscriber: Subscriber;

  constructor({ redis, onMessage, onSynced: onReady, onError }: UserChannelsOptions) {
    this.subscriber = createSubscriber({
      redis,
      onMessage: (channel, text) => onMessage(userOfChannel(channel), text),
      onReady,
      onError,
    });
  }

  /** Waits for the first connection, but not for ever: a process may start before its Redis. */
  start(): Promise<void> {
    return this.subscriber.start();
  }

  /** Resolves when the user's events reach this process; rejects with a 503 problem when they cannot. */
  async join(userId: string): Promise<void> {
    if (!this.subscriber.ready) throw problems.unavailable('redis');
    const held = this.held.get(userId) ?? this.hold(userId);
    held.count += 1;
    try {
      await held.subscribed;
    } catch (error) {
      this.leave(userId);
      throw error;
    }
  }

  /** Must be called once for each `join` that has resolved. */
  leave(userId: string): void {
    const held = this.held.get(userId);
    if (!held) return;
    held.count -= 1;
    if (held.count > 0) return;
    this.held.delete(userId);
    this.subscriber.unsubscribe(userChannel(userId));
  }

  /** Rejects while events may go unheard. */
  check(): Promise<void> {
    return this.subscriber.ping();
  }

  close(): void {
    this.subscriber.close();
  }

  private hold(userId: string): Held {
    const held = { count: 0, subscribed: this.subscriber.subscribe(userChannel(userId)) };
    this.held.set(userId, held);
    return held;
  }
}
