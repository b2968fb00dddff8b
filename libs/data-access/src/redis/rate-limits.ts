import { Command } from 'ioredis';
import { Batch, type LimitAsker, type RateLimit, type UncountedCaller } from './rate-limit-batch';
import { LateCounts } from './rate-limit-counts';
import { slidingWindowScript, slidingWindowSha } from './rate-limit-script';
import { ReplyDeadline } from './rate-limit-deadline';
import type { Redis } from './redis';
import { sendingTurn, type SendingTurn } from './sending-turn';

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
 * one script, which travels with the cached reads of that turn. What a process has admitted without asking is counted a
 * few milliseconds later, and before anything that is asked.
 */
export class RateLimits {
  private readonly redis: Redis;
  private readonly turn: SendingTurn;
  private readonly deadline: ReplyDeadline;
  private readonly onAvailability: NonNullable<RateLimitsOptions['hooks']>['onAvailability'];
  private readonly tags: number;
  private readonly late = new LateCounts((uncounted) => this.sendCounts(uncounted));
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
    this.turn.beforeClose(this.late.send);
    redis.once('end', () => this.close());
  }

  /** Whether Redis decides; when it does not, nobody waits for it. It is asked again until it does. */
  get available(): boolean {
    return this.isAvailable;
  }

  /** Counts one request of the caller. False: Redis does not decide at present, and the asker hears nothing. */
  ask(limit: RateLimit, caller: string, asker: LimitAsker): boolean {
    if (!this.isAvailable) return false;
    if (this.gathered.length === 0) this.turn.atEnd(this.sendGathered);
    this.batchFor(this.gathered, limit, caller).ask(caller, asker);
    return true;
  }

  /** Counts, soon, what has been admitted of a caller already. The caller is told, and of silence too. */
  count(uncounted: UncountedCaller): void {
    this.late.add(uncounted);
  }

  /** Nothing more is to come: the client has been closed. */
  private close(): void {
    this.closed = true;
    clearTimeout(this.probeTimer);
    this.late.close();
    this.deadline.close();
  }

  /** The one that is not full. There are one or two of them, so that looking through them is all that it takes. */
  private batchFor(batches: Batch[], limit: RateLimit, caller: string): Batch {
    const tag = this.tags === 1 ? 0 : tagOf(caller, this.tags);
    for (const each of batches)
      if (each.limit === limit && each.tag === tag && each.size < largestBatch) return each;
    const batch = new Batch(limit, tag, this.onLost);
    batches.push(batch);
    return batch;
  }

  private readonly sendGathered = (): void => {
    // First what has been admitted before: it is to be taken into account.
    this.late.send();
    const { gathered } = this;
    this.gathered = [];
    for (const batch of gathered) this.send(batch);
  };

  private sendCounts(uncounted: readonly UncountedCaller[]): void {
    const batches: Batch[] = [];
    for (const each of uncounted) this.batchFor(batches, each.limit, each.caller).count(each);
    for (const batch of batches) this.send(batch);
  }

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
  private readonly onLost = (reason: unknown): void => {
    if (!this.isAvailable) return;
    this.isAvailable = false;
    this.probeDelayMs = firstProbeMs;
    this.onAvailability?.({ available: false, reason });
    this.probeLater();
  };

  private probeLater(): void {
    if (this.closed) return;
    this.probeTimer = setTimeout(() => this.probe(), this.probeDelayMs).unref();
    this.probeDelayMs = Math.min(2 * this.probeDelayMs, lastProbeMs);
  }

  /** Asks with the script itself: a Redis that answers pings may be one that cannot write. */
  private probe(): void {
    const batch = new Batch(probeLimit, 0, this.onLost);
    batch.ask('probe', {
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

function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}

function tagOf(caller: string, tags: number): number {
  let sum = 0;
  for (let i = 0; i < caller.length; i += 1) sum = (sum * 31 + caller.charCodeAt(i)) | 0;
  return Math.abs(sum % tags);
}

export function createRateLimits(options: RateLimitsOptions): RateLimits {
  return new RateLimits(options);
}
