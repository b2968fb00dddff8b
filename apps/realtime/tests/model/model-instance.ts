import { createRedis, type Redis } from '@rostrum/data-access';
import { startFaultProxy, type FaultProxy } from '@rostrum/testing';
import { EventLog, type LogSettings } from '../../src/live/event-log';
import { LiveChannels } from '../../src/live/live-channels';
import { Subscriptions } from '../../src/live/subscriptions';
import type { ModelClient, ModelConnection } from './model-client';

const quiet = {
  resumed: () => undefined,
  gapTold: () => undefined,
  subscriptionEnded: () => undefined,
  fannedOut: () => undefined,
};
const open = {
  maySee: () => Promise.resolve(true),
  viewersAmong: (_postId: string, userIds: Iterable<string>) => Promise.resolve(new Set(userIds)),
};
const untraced = { runWork: <T>(_work: unknown, fn: (context: never) => T) => fn(undefined as never) };

/** The live part of a process, with a network of its own to Redis. */
export class ModelInstance {
  readonly connections = new Set<ModelConnection>();
  private isDead = false;

  private constructor(
    readonly proxy: FaultProxy,
    private readonly redis: Redis,
    private readonly channels: LiveChannels,
    private readonly subscriptions: Subscriptions,
  ) {}

  static async start(redisUrl: string, settings: LogSettings): Promise<ModelInstance> {
    const proxy = await startFaultProxy({ target: redisUrl });
    const redis = createRedis({ url: proxy.urlFor(redisUrl) });
    const channels = new LiveChannels({
      redis,
      log: new EventLog(redis, settings),
      listeners: { tracing: untraced, metrics: quiet, visibility: open },
      checkSeconds: 1,
      hooks: {},
    });
    const subscriptions = new Subscriptions({
      channels,
      maySee: () => Promise.resolve(true),
      announceReader: () => Promise.resolve(),
      missed: { since: () => Promise.resolve(undefined) },
      metrics: quiet,
      maxSubscriptions: 100,
    });
    await channels.start();
    return new ModelInstance(proxy, redis, channels, subscriptions);
  }

  admit(client: ModelClient): ModelConnection {
    const connection = client.connect();
    this.connections.add(connection);
    return connection;
  }

  async join(connection: ModelConnection, channel: string): Promise<void> {
    const { client } = connection;
    const attempt = (client.attempts.get(channel) ?? 0) + 1;
    client.attempts.set(channel, attempt);
    try {
      await this.subscriptions.join(connection, { channel, since: client.positionOf(channel) });
    } catch {
      // It has been told so, and that it is not subscribed now, whatever was before.
      if (client.attempts.get(channel) === attempt) client.joined.delete(channel);
    }
  }

  leave(connection: ModelConnection, channel: string): void {
    connection.client.joined.delete(channel);
    try {
      this.subscriptions.leave(this.subscriptions.membershipOf(connection, channel));
    } catch {
      // It had not got so far.
    }
  }

  /** The client hangs up. */
  dismiss(connection: ModelConnection): void {
    this.connections.delete(connection);
    connection.client.cut();
    this.subscriptions.leaveAll(connection);
  }

  /** As by SIGKILL: nobody is told anything, neither the clients nor Redis. */
  async kill(): Promise<void> {
    if (this.isDead) return;
    this.isDead = true;
    for (const { client } of this.connections) client.cut();
    await this.proxy.close();
    this.channels.close();
    this.redis.disconnect();
  }
}
