import { Command, type Redis as IoRedis } from 'ioredis';
import { unguarded } from '../guarded-commands';
import { stampOf, tagOf } from './entry';

/** Whoever has not heard of Redis for longer may have missed an outage. */
const longestGapMs = 2_000;
/** How often Redis is asked while nobody else asks. */
const heartbeatMs = 500;
/** After an outage, every process has found Redis again by then: none tries less than once a second. */
const quietMs = 1_500;
/** An outage that has lasted this long has been noticed by every process. */
export const noticedAfterMs = longestGapMs + heartbeatMs + 500;

/**
 * What a process knows of one Redis server, and so whether it may believe what stands there.
 *
 * While Redis is away, changes are acknowledged that it has not been told of. So what was put there before an outage is
 * not believed after it: neither when another server, or the same without its data, has taken over (each life of a
 * server has its tag), nor when it was only out of reach (then by the time it was put there). An outage is noticed by
 * its gap, also by a process that asked nothing in it, for there is a heartbeat; and whoever could not tell Redis of a
 * change waits until everybody has noticed before the change is acknowledged (`changes.ts`).
 */
export class CacheLink {
  private open = false;
  private failedBefore = false;
  private losses = 0;
  private tag = 0;
  /** What was put there before this time of Redis's clock is not believed. */
  private floor = 0;
  private clockOffset = 0;
  /** When the last command was sent that was answered. */
  private aliveAt = performance.now();
  private identified: IoRedis | undefined;
  private probing = false;
  /** There has been an outage, or may have been: since when Redis has answered without fail, if it has. */
  private outage: { steadySince: number | undefined } | undefined;

  constructor(
    /** The connection to the server, at present. */
    private readonly connection: () => IoRedis | undefined,
    private readonly onProbed: () => void,
  ) {}

  /** Whether it makes sense to ask. */
  get isOpen(): boolean {
    return this.open;
  }

  /** Whether it is known by now if Redis is there. */
  get hasStarted(): boolean {
    return this.open || this.failedBefore;
  }

  /** Another number than before: Redis has not been there all the while, and what was learnt of it may not hold. */
  get era(): number {
    return this.losses;
  }

  /** How long Redis has not answered. */
  get silentMs(): number {
    return performance.now() - this.aliveAt;
  }

  /** Redis's clock, about. */
  now(): number {
    return Date.now() + this.clockOffset;
  }

  /** Tells this life of the server from others. */
  get life(): number {
    return this.tag;
  }

  believes(entry: Buffer): boolean {
    return tagOf(entry) === this.tag && stampOf(entry) > this.floor;
  }

  /** An answer has come to a command that was sent at this time. Resolves to whether it may be believed. */
  answered(sentAt: number): boolean {
    if (!this.open) return false;
    if (performance.now() - this.aliveAt > longestGapMs) {
      this.failed();
      return false;
    }
    if (sentAt > this.aliveAt) this.aliveAt = sentAt;
    return true;
  }

  /** Redis has not answered: nobody else is to wait for it until it does. */
  failed(): void {
    this.lose();
    void this.probe();
  }

  /** The connection is gone; the next one may lead to another server. */
  disconnected(): void {
    this.identified = undefined;
    this.lose();
    this.onProbed();
  }

  /** To be called several times a second. */
  tick(): void {
    if (!this.open || this.silentMs > heartbeatMs) void this.probe();
  }

  async probe(): Promise<void> {
    const connection = this.connection();
    if (this.probing || connection?.status !== 'ready') return;
    this.probing = true;
    const sentAt = performance.now();
    try {
      const [clock, tag] = await Promise.all([readClock(connection), this.identify(connection)]);
      this.clockOffset = clock - Date.now();
      this.tag = tag;
      this.revive(sentAt, clock);
    } catch {
      this.lose();
    } finally {
      this.probing = false;
      this.onProbed();
    }
  }

  private lose(): void {
    this.open = false;
    this.losses += 1;
    this.failedBefore = true;
    if (this.outage) this.outage.steadySince = undefined;
  }

  private async identify(connection: IoRedis): Promise<number> {
    if (this.identified === connection) return this.tag;
    const info = await ask(connection, 'info', ['server']);
    const [, runId = '0'] = /^run_id:([0-9a-f]{12})/m.exec(info) ?? [];
    this.identified = connection;
    return Number.parseInt(runId, 16);
  }

  private revive(sentAt: number, clock: number): void {
    const now = performance.now();
    // A process that takes long to start has missed nothing.
    if (this.hasStarted && now - this.aliveAt > longestGapMs) this.outage ??= { steadySince: undefined };
    this.aliveAt = sentAt;
    if (this.outage) {
      this.outage.steadySince ??= now;
      this.open = now - this.outage.steadySince >= quietMs;
      if (!this.open) return;
      this.floor = clock;
      this.outage = undefined;
    }
    this.open = true;
  }
}

async function readClock(connection: IoRedis): Promise<number> {
  const [seconds, microseconds] = await ask<[string, string]>(connection, 'time');
  return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
}

/** At once, and past the guard: this is how it is found out whether Redis is back. */
function ask<T = string>(connection: IoRedis, name: string, args: string[] = []): Promise<T> {
  const command = new Command(name, args, { replyEncoding: 'utf8' });
  return unguarded(connection, () => connection.sendCommand(command)) as Promise<T>;
}
