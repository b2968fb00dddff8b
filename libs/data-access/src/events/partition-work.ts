import { isAppError } from '@rostrum/errors';
import { isConnectionError, isError, isSqlError } from '../postgres/sql-state';
import type { BusEvent } from './bus-event';
import type { ConsumerHooks } from './consumer';
import type { Delivery, GroupMember } from './event-bus';
import { eventErrors, isLeaseLost } from './events.errors';
import type { Inbox } from './inbox';
import type { Lease, Leases } from './leases';
import { backoffMs } from './work-loop';

export interface WorkParts {
  inbox: Inbox;
  leases: Leases;
  member: GroupMember;
  hooks: ConsumerHooks;
  limits: { maxAttempts: number; retryMs: number; patienceMs: number };
  onError: (error: unknown) => void;
}

/**
 * One partition of a group while it is ours. Its events are handled strictly one after the other: none before the one
 * ahead of it is done, or has been set aside for good. A batch is one transaction; if that fails, its events come again
 * one by one, so that only those that are at fault are tried over and over.
 */
export class PartitionWork {
  readonly partition: number;
  /** It rests until then, by `performance.now()`. */
  notBefore = 0;
  private inHand: readonly Delivery[] = [];
  /** Of the one event in hand, once it has been counted: it is not counted again while we wait for something. */
  private attempts: number | undefined;
  private waits = 0;
  private waitingSince = 0;

  constructor(
    private readonly parts: WorkParts,
    private readonly lease: Lease,
  ) {
    this.partition = lease.partition;
  }

  get isEmpty(): boolean {
    return this.inHand.length === 0;
  }

  receive(deliveries: readonly Delivery[]): void {
    this.inHand = deliveries;
    this.attempts = undefined;
  }

  /** Tries what is in hand once. Never rejects: what goes wrong here is no matter of other partitions. */
  async handle(): Promise<void> {
    try {
      const [first] = this.inHand;
      if (this.inHand.length === 1 && first) await this.handleOne(first);
      else await this.handleBatch();
      this.waits = 0;
    } catch (error) {
      if (isLeaseLost(error)) {
        this.receive([]);
        this.parts.leases.noteLost(this.lease);
      } else this.wait(error);
    }
  }

  private async handleBatch(): Promise<void> {
    const events = this.inHand.flatMap(({ event }) => event ?? []);
    const whole = events.length === this.inHand.length;
    const failure = whole ? await this.failureOf(events) : eventErrors.unreadable();
    const { inHand } = this;
    this.receive([]);
    if (failure === undefined) await this.parts.member.acknowledge(inHand);
    else await this.parts.member.refuse(inHand);
  }

  private async handleOne(delivery: Delivery): Promise<void> {
    const { event, seenBefore, position } = delivery;
    if (!event) return this.bury(delivery, eventErrors.unreadable());
    const { maxAttempts, retryMs } = this.parts.limits;
    this.attempts ??= seenBefore
      ? await this.parts.leases.countAttempt(this.lease, `${position} ${event.id}`)
      : 1;
    const { attempts } = this;
    if (attempts > maxAttempts && !(await this.parts.inbox.has(event))) {
      return this.bury(delivery, eventErrors.abandoned());
    }
    const failure = await this.failureOf([event]);
    if (failure === undefined) {
      this.receive([]);
      return this.parts.member.acknowledge([delivery]);
    }
    this.parts.hooks.onHandlerError?.({ event, attempts, error: failure });
    if (attempts >= maxAttempts) return this.bury(delivery, failure);
    this.receive([]);
    this.notBefore = performance.now() + backoffMs(attempts, { firstMs: retryMs });
    await this.parts.member.refuse([delivery]);
  }

  /** Undefined when they have been handled. Rejects when that could not even be tried. */
  private async failureOf(events: readonly BusEvent[]): Promise<unknown> {
    const { inbox, leases, hooks } = this.parts;
    const started = performance.now();
    try {
      await inbox.handle(events, (trx) => leases.assertHeld(trx, this.lease));
    } catch (error) {
      if (isLeaseLost(error) || (isPassing(error) && (await this.isWorthWaiting(error)))) throw error;
      return error ?? new Error('A handler rejected with nothing');
    }
    this.waitingSince = 0;
    hooks.onHandled?.({ count: events.length, seconds: (performance.now() - started) / 1000 });
    return undefined;
  }

  /** PostgreSQL is waited for: without it nothing can be handled. Anything else is waited for with patience only. */
  private async isWorthWaiting(error: unknown): Promise<boolean> {
    this.waitingSince ||= performance.now();
    if (performance.now() - this.waitingSince < this.parts.limits.patienceMs) return true;
    if (isConnectionError(error)) return true;
    const worth = !(await this.parts.leases.isDatabaseThere());
    if (!worth) this.waitingSince = 0;
    return worth;
  }

  private async bury(delivery: Delivery, error: unknown): Promise<void> {
    const attempts = this.attempts ?? 1;
    this.receive([]);
    await this.parts.member.bury(delivery, { reason: reasonOf(error), attempts });
    this.parts.hooks.onDeadLetter?.({ position: delivery.position, event: delivery.event, error });
  }

  private wait(error: unknown): void {
    this.waits += 1;
    this.notBefore = performance.now() + backoffMs(this.waits);
    this.parts.onError(error);
  }
}

/** Something that the handler needs does not answer. That is no fault of the event, and no reason to give it up. */
function isPassing(error: unknown): boolean {
  const cause = isError(error) ? error.cause : undefined;
  const tooSlow = isSqlError(cause) && cause.code === '57014';
  return isConnectionError(error) || (isAppError(error) && error.status === 503 && !tooSlow);
}

/** Enough to tell what went wrong, and nothing of the values that a message may hold. */
function reasonOf(error: unknown): string {
  if (!isError(error)) return typeof error;
  return 'code' in error ? `${error.name} ${String(error.code)}` : error.name;
}
