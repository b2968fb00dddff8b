import { problems } from '@rostrum/errors';
import { duplicateForBlocking, whenRedisReady, type Redis } from '@rostrum/data-access';
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
  subscribed: Promise<unknown>;
}

const joinLimitMs = 1000;
const channelsPerCommand = 1000;

/**
 * The channels of the users whose sockets this process holds: one subscription each, however many sockets, on one
 * connection of their own. What is wanted is known here; when Redis comes back, it is told anew.
 */
export class UserChannels {
  private readonly held = new Map<string, Held>();
  private readonly subscriber: Redis;
  /** Counts the connections, so that what one of them has begun does not speak for the next. */
  private epoch = 0;
  private synced = false;

  constructor(private readonly options: UserChannelsOptions) {
    this.subscriber = duplicateForBlocking(options.redis, { onError: options.onError });
    // The client's own way of subscribing again leaves a rejection unhandled when the connection is lost meanwhile.
    this.subscriber.options.autoResubscribe = false;
    this.subscriber.on('ready', () => void this.subscribeToAll());
    this.subscriber.on('close', () => this.lose());
    this.subscriber.on('message', (channel, text) => options.onMessage(userOfChannel(channel), text));
  }

  /** Waits for the first connection, but not for ever: a process may start before its Redis. */
  async start(): Promise<void> {
    await whenRedisReady(this.subscriber);
  }

  /** Resolves when the user's events reach this process; rejects with a 503 problem when they cannot. */
  async join(userId: string): Promise<void> {
    if (!this.synced) throw problems.unavailable('redis');
    const held = this.held.get(userId) ?? this.hold(userId);
    held.count += 1;
    try {
      await withinLimit(held.subscribed);
    } catch (error) {
      this.leave(userId);
      throw problems.unavailable('redis', 1, error);
    }
  }

  /** Must be called once for each `join` that has resolved. */
  leave(userId: string): void {
    const held = this.held.get(userId);
    if (!held) return;
    held.count -= 1;
    if (held.count > 0) return;
    this.held.delete(userId);
    if (this.subscriber.status === 'ready') {
      this.subscriber.unsubscribe(userChannel(userId)).catch(this.options.onError);
    }
  }

  /** Also keeps the connection from being taken for dead while nothing happens. */
  async check(): Promise<void> {
    if (!this.synced) throw problems.unavailable('redis');
    await this.subscriber.ping();
  }

  close(): void {
    this.subscriber.disconnect();
  }

  private hold(userId: string): Held {
    const held = { count: 0, subscribed: this.subscriber.subscribe(userChannel(userId)) };
    this.held.set(userId, held);
    return held;
  }

  private lose(): void {
    this.epoch += 1;
    this.synced = false;
  }

  private async subscribeToAll(): Promise<void> {
    const { epoch } = this;
    const users = [...this.held.keys()];
    try {
      for (let start = 0; start < users.length; start += channelsPerCommand) {
        // Some may have left while the ones before them were subscribed to.
        const wanted = users
          .slice(start, start + channelsPerCommand)
          .filter((userId) => this.held.has(userId));
        if (wanted.length > 0) await this.subscriber.subscribe(...wanted.map(userChannel));
      }
    } catch (error) {
      this.options.onError(error);
      // Refused on a connection that stands: another one may do better.
      if (epoch === this.epoch) this.subscriber.disconnect(true);
      return;
    }
    if (epoch !== this.epoch) return;
    this.synced = true;
    this.options.onSynced(users.length);
  }
}

async function withinLimit(work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`No answer within ${joinLimitMs} ms`)), joinLimitMs);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
