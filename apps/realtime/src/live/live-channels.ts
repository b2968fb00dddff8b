import { createSubscriber, type Redis, type Subscriber } from '@rostrum/data-access';
import { problems } from '@rostrum/errors';
import { ChannelFollower, type FollowerHooks } from './channel-follower';
import { channelOfRedis, redisChannel, type EventLog, type LogPosition } from './event-log';
import { Listeners, type ListenersParts } from './listeners';
import { readHeard } from './live-event';

export interface LiveChannelsOptions {
  redis: Redis;
  log: EventLog;
  listeners: ListenersParts;
  /** How often each channel is compared with its log. */
  checkSeconds: number;
  hooks: LiveChannelsHooks;
}

export interface LiveChannelsHooks extends FollowerHooks {
  /** All subscriptions are in place, at first or again after the connection was lost. */
  onSynced?: (channels: number) => void;
  onMalformed?: () => void;
  /** What a channel is about may have changed. */
  onHint?: (channel: string) => void;
}

const positionsAtOnce = 500;
const isOpen = Promise.resolve();

/** A channel that somebody in this process wants. */
export interface HeldChannel {
  readonly channel: string;
  readonly follower: ChannelFollower;
  readonly listeners: Listeners;
  /** Rejects with a 503 problem where Redis is away; then it is not held. */
  opened: Promise<void>;
  /** @internal */
  holders: number;
  /** @internal Spreads the checks of all channels evenly over time. */
  readonly turn: number;
}

/** The channels of this process: one subscription and one follower each, however many sockets. */
export class LiveChannels {
  private readonly held = new Map<string, HeldChannel>();
  private readonly subscriber: Subscriber;
  private unchecked: HeldChannel[] = [];
  private checking = false;
  /** The last ping: a connection that stands may be one on which nothing is said. */
  private answered = true;
  private turns = 0;
  private beats = 0;
  private clock: NodeJS.Timeout | undefined;

  constructor(private readonly options: LiveChannelsOptions) {
    const { redis, hooks } = options;
    this.subscriber = createSubscriber({
      redis,
      onMessage: (name, text) => this.hear(channelOfRedis(name), text),
      onReady: (count) => {
        hooks.onSynced?.(count);
        // Whatever was published meanwhile has not been heard.
        this.unchecked = [...this.held.values()];
        void this.check();
      },
      onError: (error) => hooks.onError?.(error),
    });
  }

  get size(): number {
    return this.held.size;
  }

  /** Waits for the first connection, but not for ever: a process may start before its Redis. */
  start(): Promise<void> {
    this.clock = setInterval(() => this.beat(), 1000).unref();
    return this.subscriber.start();
  }

  close(): void {
    clearInterval(this.clock);
    for (const { follower } of this.held.values()) follower.end();
    this.subscriber.close();
  }

  assertReady(): void {
    if (!this.subscriber.ready || !this.answered) throw problems.unavailable('redis');
  }

  /** Rejects while events may go unheard. */
  async ping(): Promise<void> {
    try {
      await this.subscriber.ping();
      this.answered = true;
    } catch (error) {
      this.answered = false;
      throw error;
    }
  }

  /** Must be let go of by `release`. */
  hold(channel: string): HeldChannel {
    let held = this.held.get(channel);
    if (!held) {
      held = this.open(channel);
      this.held.set(channel, held);
    }
    held.holders += 1;
    return held;
  }

  release(held: HeldChannel): void {
    held.holders -= 1;
    if (held.holders > 0) return;
    held.follower.end();
    // Another may have taken its place since this one could not be opened.
    if (this.held.get(held.channel) !== held) return;
    this.held.delete(held.channel);
    this.subscriber.unsubscribe(redisChannel(held.channel));
  }

  get(channel: string): HeldChannel | undefined {
    return this.held.get(channel);
  }

  private open(channel: string): HeldChannel {
    const { log, hooks, listeners: parts } = this.options;
    const listeners = new Listeners(channel, parts);
    const follower = new ChannelFollower({ channel, log, audience: listeners, hooks });
    const opened = this.subscriber.subscribe(redisChannel(channel)).then(() => follower.open());
    const turn = this.turns++ % this.options.checkSeconds;
    const held: HeldChannel = { channel, follower, listeners, opened, holders: 0, turn };
    opened.then(
      // One promise that is kept will do for all.
      () => (held.opened = isOpen),
      // Whoever comes next tries anew. The subscription stays wanted until the last of its holders is gone.
      () => this.forget(held),
    );
    return held;
  }

  private forget(held: HeldChannel): void {
    if (this.held.get(held.channel) !== held) return;
    this.held.delete(held.channel);
    this.subscriber.unsubscribe(redisChannel(held.channel));
  }

  private hear(channel: string, message: string): void {
    const heard = readHeard(message);
    if (!heard) {
      this.options.hooks.onMalformed?.();
      return;
    }
    const held = this.held.get(channel);
    if (!held) return;
    if (heard.kind === 'entry') held.follower.hear(heard.epoch, heard.entry);
    else if (heard.kind === 'passing') held.listeners.passing(heard.text);
    else this.options.hooks.onHint?.(channel);
  }

  private beat(): void {
    const now = this.beats++ % this.options.checkSeconds;
    for (const held of this.held.values()) {
      if (held.turn === now || held.follower.isBehind) this.unchecked.push(held);
    }
    void this.check();
  }

  /** Compares with the logs, and keeps these from being forgotten. What Redis fails to tell, the next beat asks again. */
  private async check(): Promise<void> {
    if (this.checking) return;
    this.checking = true;
    try {
      while (this.unchecked.length > 0) {
        const some = this.unchecked.slice(0, positionsAtOnce);
        const positions = await this.options.log.positions(some.map(({ channel }) => channel));
        this.unchecked = this.unchecked.slice(some.length);
        for (const [i, { follower }] of some.entries()) follower.verify(positions[i] as LogPosition);
      }
    } catch (error) {
      this.options.hooks.onError?.(error);
    } finally {
      this.checking = false;
    }
  }
}
