import { redisKeys, type Redis } from '@rostrum/data-access';
import type { LogPosition } from './event-log';

export interface AcksOptions {
  redis: Pick<Redis, 'hset' | 'hget' | 'expire'>;
  /** How long they are kept after a session's last one. */
  keptSeconds: number;
  onError: (error: unknown) => void;
}

const keys = redisKeys('realtime');
const flushEveryMs = 1000;

/**
 * How far each session has acknowledged its channels: from there it goes on when it no longer knows itself. Gathered
 * for a second: what a process that dies takes with it is sent once more.
 */
export class AcksStore {
  private gathered = new Map<string, Map<string, LogPosition>>();
  private clock: NodeJS.Timeout | undefined;

  constructor(private readonly options: AcksOptions) {}

  start(): void {
    this.clock = setInterval(() => void this.flush(), flushEveryMs).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.clock);
    await this.flush();
  }

  note(sessionId: string, channel: string, position: LogPosition): void {
    let channels = this.gathered.get(sessionId);
    if (!channels) this.gathered.set(sessionId, (channels = new Map()));
    channels.set(channel, position);
  }

  /** Undefined where none has been acknowledged, or too long ago. */
  async find(sessionId: string, channel: string): Promise<LogPosition | undefined> {
    const known = this.gathered.get(sessionId)?.get(channel);
    if (known) return known;
    const text = await this.options.redis.hget(keyOf(sessionId), channel);
    if (text === null) return undefined;
    const [epoch = '', offset] = text.split(' ');
    return { epoch, offset: Number(offset) };
  }

  private async flush(): Promise<void> {
    const { gathered } = this;
    this.gathered = new Map();
    await Promise.all([...gathered].map(([sessionId, channels]) => this.write(sessionId, channels)));
  }

  private async write(sessionId: string, channels: ReadonlyMap<string, LogPosition>): Promise<void> {
    const { redis, keptSeconds, onError } = this.options;
    const texts = [...channels].map(
      ([channel, { epoch, offset }]) => [channel, `${epoch} ${offset}`] as const,
    );
    try {
      await Promise.all([
        redis.hset(keyOf(sessionId), Object.fromEntries(texts)),
        redis.expire(keyOf(sessionId), keptSeconds),
      ]);
    } catch (error) {
      onError(error);
    }
  }
}

function keyOf(sessionId: string): string {
  return keys.key('acks', sessionId);
}
