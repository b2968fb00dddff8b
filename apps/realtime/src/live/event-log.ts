import { randomBytes } from 'node:crypto';
import { redisKeys, type Redis } from '@rostrum/data-access';
import { problems } from '@rostrum/errors';
import { Command } from 'ioredis';
import { kindOf, type ChannelKind } from './channel-names';
import type { LogEntry } from './live-event';
import { appendScript, positionsScript, readScript, type Script } from './log-scripts';

export interface LogSettings {
  /** The most events that a channel's log keeps. */
  maxEvents: number;
  /** How long it keeps them. */
  windowSeconds: number;
  /** How long a channel of a user that nobody listens to remembers how far it has come. */
  positionSeconds: number;
}

export interface LogPosition {
  epoch: string;
  offset: number;
}

/** What a log had when it was read. */
export interface LogPage extends LogPosition {
  /** What follows the offset that was asked for, without holes, up to the number that was asked for. */
  entries: LogEntry[];
}

export const pageSize = 100;
/** No script runs for long: what one of them does makes all others wait. */
const positionsPerCall = 200;

/** When very many channels are read at once, those at the end of the line must not wait longer than for a command. */
const mostReads = 64;

const keys = redisKeys('realtime');
const keptLong: ReadonlySet<ChannelKind> = new Set<ChannelKind>(['user', 'control']);

/** Where Redis tells of a channel's events. */
export function redisChannel(channel: string): string {
  return keys.key('live', channel);
}

export function channelOfRedis(redisChannel: string): string {
  return redisChannel.slice('realtime:live:'.length);
}

/**
 * The last events of each channel, numbered from 1 without holes within an epoch. An epoch ends when Redis may have lost
 * something, or when nobody has listened for so long that the channel was forgotten.
 */
export class EventLog {
  private reads = 0;
  private readonly line: (() => void)[] = [];

  constructor(
    private readonly redis: Redis,
    private readonly settings: LogSettings,
  ) {}

  /** Where the event is now; undefined where nobody can be waiting for it. */
  async append(channel: string, text: string): Promise<LogPosition | undefined> {
    const { maxEvents, windowSeconds } = this.settings;
    const args = [text, redisChannel(channel), maxEvents, windowSeconds * 1000];
    const reply = await this.run(appendScript, keysOf(channel), args);
    if (reply === null) return undefined;
    const [epoch, offset] = reply as [string, number];
    return { epoch, offset };
  }

  /** Told to who listens now, and kept for nobody. */
  async pass(channel: string, message: string): Promise<void> {
    await this.redis.publish(redisChannel(channel), message);
  }

  /** Opens the channel and reads on from an offset of its present epoch. */
  async read(channel: string, after = Number.MAX_SAFE_INTEGER, count = pageSize): Promise<LogPage> {
    const args = [newEpoch(), this.keptMs(channel), after, count];
    const reply = await this.inTurn(() => this.run(readScript, keysOf(channel), args));
    const [epoch, offset, entries] = reply as [string, number, [string, [string, string]][]];
    return { epoch, offset, entries: entries.map(toEntry) };
  }

  /** Where the channels stand, in their order. Also keeps them from being forgotten. */
  async positions(wanted: readonly string[]): Promise<LogPosition[]> {
    const found = new Map<string, LogPosition>();
    const step = this.redis.isCluster ? 1 : positionsPerCall;
    const calls: Promise<void>[] = [];
    // What is kept equally long is asked for together.
    for (const long of [true, false]) {
      const some = wanted.filter((channel) => keptLong.has(kindOf(channel)) === long);
      for (let start = 0; start < some.length; start += step) {
        calls.push(this.findPositions(some.slice(start, start + step), found));
      }
    }
    await Promise.all(calls);
    return wanted.map((channel) => found.get(channel) ?? { epoch: '', offset: 0 });
  }

  private async findPositions(some: readonly string[], found: Map<string, LogPosition>): Promise<void> {
    const heads = some.map((channel) => keysOf(channel)[0]);
    const reply = await this.run(positionsScript, heads, [this.keptMs(some[0] ?? '')]);
    const flat = reply as (string | number)[];
    for (const [i, channel] of some.entries()) {
      found.set(channel, { epoch: String(flat[2 * i]), offset: Number(flat[2 * i + 1]) });
    }
  }

  private async inTurn<T>(read: () => Promise<T>): Promise<T> {
    // Who is let in from the line takes over the place of who has left.
    if (this.reads >= mostReads) await new Promise<void>((resolve) => this.line.push(resolve));
    else this.reads += 1;
    try {
      return await read();
    } finally {
      const next = this.line.shift();
      if (next) next();
      else this.reads -= 1;
    }
  }

  private keptMs(channel: string): number {
    const { windowSeconds, positionSeconds } = this.settings;
    return 1000 * (keptLong.has(kindOf(channel)) ? positionSeconds : windowSeconds);
  }

  private async run({ lua, sha }: Script, names: readonly string[], args: readonly (string | number)[]) {
    const send = (name: string, code: string) =>
      // Its type allows for commands that are not sent at once, which this client has none of.
      this.redis.sendCommand(
        new Command(name, [code, names.length, ...names, ...args], { replyEncoding: 'utf8' }),
      ) as Promise<unknown>;
    try {
      return await send('evalsha', sha).catch((error: unknown) => {
        if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
        return send('eval', lua);
      });
    } catch (error) {
      throw problems.unavailable('redis', 1, error);
    }
  }
}

/** In a cluster both are in one slot: they share what stands between the braces. */
function keysOf(channel: string): [head: string, log: string] {
  return [keys.together(channel, 'head'), keys.together(channel, 'log')];
}

function toEntry([id, [, text]]: [string, [string, string]]): LogEntry {
  const [offset, at] = id.split('-');
  return { offset: Number(offset), at: Number(at), text };
}

/** Begins with the time, so that it says since when its offsets have been counted. */
function newEpoch(): string {
  return `${Date.now().toString(36)}-${randomBytes(6).toString('hex')}`;
}

/** When an epoch began, by the clock of the process that opened it; undefined for what is no epoch of this log. */
export function startOfEpoch(epoch: string): Date | undefined {
  const ms = parseInt(epoch.split('-')[0] ?? '', 36);
  const isTime = Number.isSafeInteger(ms) && ms > 0 && ms < 8.64e15;
  return isTime ? new Date(ms) : undefined;
}
