import { createRedis, type Redis } from '@rostrum/data-access';
import { EventLog, type LogSettings } from '../../src/live/event-log';
import { LiveChannels } from '../../src/live/live-channels';
import { Subscriptions } from '../../src/live/subscriptions';

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

/** As much of a process as has to do with channels. */
export class LivePart {
  private constructor(
    private readonly redis: Redis,
    private readonly channels: LiveChannels,
    readonly subscriptions: Subscriptions,
  ) {}

  static async start(redisUrl: string, settings: LogSettings): Promise<LivePart> {
    const redis = createRedis({ url: redisUrl });
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
    return new LivePart(redis, channels, subscriptions);
  }

  close(): void {
    this.channels.close();
    this.redis.disconnect();
  }
}
