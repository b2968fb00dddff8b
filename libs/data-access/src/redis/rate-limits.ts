import { Command } from 'ioredis';
import { slidingWindowScript, slidingWindowSha } from './rate-limit-script';
import { ReplyDeadline, type Awaited } from './rate-limit-deadline';
import { redisKeys } from './redis-keys';
import type { Redis } from './redis';
import { sendingTurn, type SendingTurn } from './sending-turn';

/** How much is admitted, in any window of this length. One object per limit: what is gathered is told apart by it. */
export interface RateLimit {
  /** Part of the keys in Redis. */
  readonly name: string;
  readonly quota: number;
  readonly windowMs: number;
}

/** Somebody who has asked. Told once, and not before `ask` has returned. */
export interface LimitAsker {
  /** `remaining` is -1 where the request is refused; `resetMs`: when `remaining` grows. */
  onVerdict(remaining: number, resetMs: number): void;
  /** Redis has not answered in time, or not at all. */
  onSilence(): void;
}

export interface RateLimitsOptions {
  redis: Redis;
  /** How long an answer may take before the asker is told that there is none. */
  timeoutMs?: number;
  hooks?: {
    /** Redis has stopped deciding, or decides again. */
    onAvailability?: (change: { available: boolean; reason?: unknown }) => void;
  };
}

const defaultTimeoutMs = 100;
const firstProbeMs = 100;
const lastProbeMs = 1_000;
/** No script runs for long: what one of them decides makes all others wait. */
const largestBatch = 256;
/** In a cluster, keys of one call must be in one slot: callers are spread over so many. */
const clusterTags = 64;

/**
 * Sliding windows that all processes share. Whatever is asked in one turn of the event loop is decided by one call of
 * one script, which travels with the cached reads of that turn.
 */
export class RateLimits {
  private readonly redis: Redis;
  private readonly turn: SendingTurn;
  private readonly deadline: ReplyDeadline;
  private readonly onAvailability: NonNullable<RateLimitsOptions['hooks']>['onAvailability'];
  private readonly tags: number;
  private gathered: Batch[] = [];
  private isAvailable = true;
  private probeTimer: NodeJS.Timeout | undefined;
  private probeDelayMs = firstProbeMs;
  private closed = false;

  constructor({ redis, timeoutMs = defaultTimeoutMs, hooks = {} }: RateLimitsOptions) {
    this.redis = redis;
    this.turn = sendingTurn(redis);
    this.deadline = new ReplyDeadline(timeoutMs);
    this.onAvailability = hooks.onAvailability;
    this.tags = redis.isCluster ? clusterTags : 1;
    redis.once('end', () => this.close());
  }

  /** Whether Redis decides; when it does not, nobody waits for it. It is asked again until it does. */
  get available(): boolean {
    return this.isAvailable;
  }

  /** Counts one request of the caller. False: Redis does not decide at present, and the asker hears nothing. */
  ask(limit: RateLimit, caller: string, asker: LimitAsker): boolean {
    if (!this.isAvailable) return false;
    const tag = this.tags === 1 ? 0 : tagOf(caller, this.tags);
    this.batchFor(limit, tag).add(caller, asker);
    return true;
  }

  /** Nothing more is to come: the client has been closed. */
  private close(): void {
    this.closed = true;
    clearTimeout(this.probeTimer);
    this.deadline.close();
  }

  /** There are one or two of them, so that looking through them is all that it takes. */
  private batchFor(limit: RateLimit, tag: number): Batch {
    for (const each of this.gathered) if (each.limit === limit && each.tag === tag) return each;
    const batch = new Batch(limit, tag, this);
    if (this.gathered.length === 0) this.turn.atEnd(this.sendGathered);
    this.gathered.push(batch);
    return batch;
  }

  private readonly sendGathered = (): void => {
    const { gathered } = this;
    this.gathered = [];
    for (const batch of gathered) {
      for (const part of batch.parts(largestBatch)) this.send(part);
    }
  };

  private send(batch: Batch): void {
    this.deadline.watch(batch);
    this.run('evalsha', batch).then(
      (numbers) => batch.answer(numbers),
      (error: unknown) => this.teach(batch, error),
    );
  }

  /** Redis has forgotten its scripts, or never knew this one: then what was asked has not been counted. */
  private teach(batch: Batch, error: unknown): void {
    if (!isUnknownScript(error)) {
      batch.fail(error);
      return;
    }
    this.run('eval', batch).then(
      (numbers) => batch.answer(numbers),
      (again: unknown) => batch.fail(again),
    );
  }

  /** Past ioredis's own gathering, which would send it a turn later. */
  private run(name: 'eval' | 'evalsha', batch: Batch): Promise<number[]> {
    const script = name === 'eval' ? slidingWindowScript : slidingWindowSha;
    const command = new Command(name, batch.argumentsAfter(script), { replyEncoding: 'utf8' });
    return this.redis.sendCommand(command) as Promise<number[]>;
  }

  /** Called by a batch that got no answer. */
  lost(reason: unknown): void {
    if (!this.isAvailable) return;
    this.isAvailable = false;
    this.probeDelayMs = firstProbeMs;
    this.onAvailability?.({ available: false, reason });
    this.probeLater();
  }

  private probeLater(): void {
    if (this.closed) return;
    this.probeTimer = setTimeout(() => this.probe(), this.probeDelayMs).unref();
    this.probeDelayMs = Math.min(2 * this.probeDelayMs, lastProbeMs);
  }

  /** Asks with the script itself: a Redis that answers pings may be one that cannot write. */
  private probe(): void {
    const batch = new Batch(probeLimit, 0, this);
    batch.add('probe', {
      onVerdict: () => {
        this.isAvailable = true;
        this.onAvailability?.({ available: true });
      },
      onSilence: () => this.probeLater(),
    });
    this.send(batch);
  }
}

const probeLimit: RateLimit = { name: 'none', quota: 1, windowMs: 1 };

/** What is asked of one limit in one turn. */
class Batch implements Awaited {
  private readonly keys: string[] = [];
  private readonly askers: LimitAsker[] = [];
  private readonly prefix: string;
  settled = false;

  constructor(
    readonly limit: RateLimit,
    readonly tag: number,
    private readonly limits: Pick<RateLimits, 'lost'>,
  ) {
    this.prefix = prefixOf(limit, tag);
  }

  argumentsAfter(script: string): (string | number)[] {
    return [script, this.keys.length, ...this.keys, this.limit.quota, this.limit.windowMs];
  }

  add(caller: string, asker: LimitAsker): void {
    this.keys.push(this.prefix + caller);
    this.askers.push(asker);
  }

  parts(largest: number): Batch[] {
    if (this.keys.length <= largest) return [this];
    const parts: Batch[] = [];
    for (let start = 0; start < this.keys.length; start += largest) {
      const part = new Batch(this.limit, this.tag, this.limits);
      part.keys.push(...this.keys.slice(start, start + largest));
      part.askers.push(...this.askers.slice(start, start + largest));
      parts.push(part);
    }
    return parts;
  }

  answer(numbers: readonly number[]): void {
    if (this.settled) return;
    this.settled = true;
    const { askers } = this;
    for (let i = 0; i < askers.length; i += 1) {
      askers[i]?.onVerdict(numbers[2 * i] as number, numbers[2 * i + 1] as number);
    }
  }

  fail(reason: unknown): void {
    if (this.settled) return;
    this.settled = true;
    this.limits.lost(reason);
    for (const asker of this.askers) asker.onSilence();
  }
}

function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}

/** No service's name: what a user asks of different services counts together. */
const keys = redisKeys('rate');

/** `rate:{0}:api:` */
function prefixOf({ name }: RateLimit, tag: number): string {
  return keys.together(String(tag), name, '');
}

function tagOf(caller: string, tags: number): number {
  let sum = 0;
  for (let i = 0; i < caller.length; i += 1) sum = (sum * 31 + caller.charCodeAt(i)) | 0;
  return Math.abs(sum % tags);
}

export function createRateLimits(options: RateLimitsOptions): RateLimits {
  return new RateLimits(options);
}
