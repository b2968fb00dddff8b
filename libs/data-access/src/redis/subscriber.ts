import { problems } from '@rostrum/errors';
import type { Redis as IoRedis } from 'ioredis';
import { connectElsewhere } from './redis-connections';
import { whenRedisReady, type Redis } from './redis';

export interface SubscriberOptions {
  redis: Redis;
  onMessage: (channel: string, text: string) => void;
  /** All that is wanted is subscribed to, at first or again. What was published meanwhile has not been heard. */
  onReady?: (channels: number) => void;
  onLost?: () => void;
  onError?: (error: unknown) => void;
}

const channelsPerCommand = 1_000;
const answerLimitMs = 1_000;
/** Nothing else tells a server that has nothing to say from one that is gone. */
const pingEveryMs = 2_000;

/**
 * Channels on a connection of their own, to a single Redis, the one that sentinels name or any node of a cluster. What
 * is wanted is known here: when Redis comes back, it is told anew.
 */
export class Subscriber {
  private readonly connection: IoRedis;
  private readonly wanted = new Set<string>();
  private readonly pings: NodeJS.Timeout;
  /** Counts the connections, so that what one of them has begun does not speak for the next. */
  private epoch = 0;
  private inPlace = false;

  constructor(private readonly options: SubscriberOptions) {
    this.connection = connectElsewhere(options.redis, {
      purpose: 'subscriber',
      commandTimeout: answerLimitMs,
      socketTimeout: 2 * answerLimitMs,
      // The client's own way of subscribing again leaves a rejection unhandled when the connection is lost meanwhile.
      autoResubscribe: false,
      enableOfflineQueue: false,
    });
    this.connection.on('error', (error: Error) => options.onError?.(error));
    this.connection.on('ready', () => void this.subscribeToAll());
    this.connection.on('close', () => this.lose());
    this.connection.on('message', (channel, text) => options.onMessage(channel, text));
    this.pings = setInterval(() => void this.ping().catch(() => undefined), pingEveryMs).unref();
  }

  /** Whether all that is wanted is heard. */
  get ready(): boolean {
    return this.inPlace;
  }

  /** Waits for the first connection, but not for ever: a process may start before its Redis. */
  async start(): Promise<void> {
    await whenRedisReady(this.connection);
  }

  /**
   * Resolves when what is published on the channel reaches this process. Rejects with a 503 problem when it does not
   * yet; the channel is wanted all the same, until `unsubscribe`.
   */
  async subscribe(channel: string): Promise<void> {
    this.wanted.add(channel);
    if (!this.inPlace) throw problems.unavailable('redis');
    try {
      await this.connection.subscribe(channel);
    } catch (error) {
      throw problems.unavailable('redis', 1, error);
    }
  }

  unsubscribe(channel: string): void {
    this.wanted.delete(channel);
    if (this.connection.status !== 'ready') return;
    this.connection.unsubscribe(channel).catch((error: unknown) => this.options.onError?.(error));
  }

  /** Rejects with a 503 problem while something that is wanted may go unheard. */
  async ping(): Promise<void> {
    if (!this.inPlace) throw problems.unavailable('redis');
    try {
      await this.connection.ping();
    } catch (error) {
      throw problems.unavailable('redis', 1, error);
    }
  }

  /** Nothing is told any more, that it is lost neither. */
  close(): void {
    clearInterval(this.pings);
    this.inPlace = false;
    this.connection.disconnect();
  }

  private lose(): void {
    this.epoch += 1;
    if (!this.inPlace) return;
    this.inPlace = false;
    this.options.onLost?.();
  }

  private async subscribeToAll(): Promise<void> {
    const { epoch } = this;
    const channels = [...this.wanted];
    try {
      for (let start = 0; start < channels.length; start += channelsPerCommand) {
        // Some may have been given up while the ones before them were subscribed to.
        const some = channels
          .slice(start, start + channelsPerCommand)
          .filter((channel) => this.wanted.has(channel));
        if (some.length > 0) await this.connection.subscribe(...some);
      }
    } catch (error) {
      this.options.onError?.(error);
      // Refused on a connection that stands: another one may do better.
      if (epoch === this.epoch) this.connection.disconnect(true);
      return;
    }
    if (epoch !== this.epoch) return;
    // Wanted while the others were subscribed to, and told then that it was too early.
    const known = new Set(channels);
    if ([...this.wanted].some((channel) => !known.has(channel))) return this.subscribeToAll();
    this.inPlace = true;
    this.options.onReady?.(channels.length);
  }
}

export function createSubscriber(options: SubscriberOptions): Subscriber {
  return new Subscriber(options);
}
