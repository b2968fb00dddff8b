import type { Client, QueryResult as PgResult } from 'pg';
import {
  isConnectionError,
  isSqlError,
  outcomeOf,
  readTimeout,
  toQueryError,
  type QueryOutcome,
} from '../sql-state';
import { cancelStatement, type Cancellable } from '../cancel';
import { abortActions } from '../../abort-actions';
import { streamOf } from './client-stream';

export interface Statement {
  /** Statements with a name are prepared once per connection; the name must stand for one text only. */
  name?: string;
  text: string;
  values?: unknown[];
}

export interface QueryEvent {
  operation: string;
  seconds: number;
  outcome: QueryOutcome;
}

/** What a connection tells its pool. */
export interface ConnectionOwner {
  /** Time by the pool's clock. */
  now(): number;
  /** Nobody uses it any more. */
  takeBack(connection: Connection): void;
  /** It has ended, whoever used it. */
  lost(connection: Connection, error: Error): void;
  /** The server did not answer in time: other connections to it are suspect too. */
  suspectOthers(): void;
  /** The connection, not the statement, is at fault. */
  onFailure(error: Error, startedAt: number): void;
  onQuery: ((event: QueryEvent) => void) | undefined;
  /** Whether the server ends a statement at its limit by itself, or has to be told to. */
  serverKeepsLimit: boolean;
  /** Whether statements with a name are prepared. */
  prepares: boolean;
  /** How much later than the limit a connection is given up that has not answered. */
  graceMs: number;
}

export interface RunOptions {
  operation: string;
  /** How long the statement may take. */
  limitMs: number;
  signal?: AbortSignal | undefined;
  /** Asked on behalf of whoever watches over the database, to whom its failure is no news. */
  probe?: boolean;
}

/** One connection for as long as it lives; who uses it changes. It knows whether it may be used again. */
export class Connection {
  /** Nothing more can be said over it, or it is not known what would be answered. */
  broken = false;
  /** On loan from the pool. */
  lent = false;
  /** By the pool's clock: when it was given back, and when it last answered. */
  idleSince = 0;
  seenAt = 0;
  private running = 0;
  private deadline = Infinity;
  private limit: Limit = { limitMs: 0 };
  private failure: Error | undefined;
  private stopping: Stopping | undefined;

  constructor(
    private readonly client: Client,
    private readonly owner: ConnectionOwner,
    readonly expiresAt: number,
  ) {
    client.on('error', (error) => this.noteLoss(error));
    client.on('end', () => this.noteLoss(new Error('Connection terminated')));
  }

  /** Runs one statement; rejects with the error as callers should see it. */
  async run(statement: Statement, options: RunOptions): Promise<PgResult> {
    const started = performance.now();
    try {
      const result = await this.send(statement, options);
      this.report('ok', started, options);
      return result;
    } catch (error) {
      if (options.signal?.aborted && error === options.signal.reason) {
        this.report('cancelled', started, options);
        throw error;
      }
      this.noteFailure(error as Error, started, options);
      throw toQueryError(error);
    }
  }

  /** Gives it back to the pool as soon as nothing runs on it. */
  release(): void {
    if (this.stopping) void this.stopping.over.then(() => this.owner.takeBack(this));
    else this.owner.takeBack(this);
  }

  /** Resolves when no statement runs here any more: after an abort that is later than the caller's answer. */
  whenFree(): Promise<void> {
    return this.stopping?.over ?? Promise.resolve();
  }

  /** Called at each tick of the pool's clock: a server that is frozen does not keep its own limits. */
  check(now: number): void {
    if (this.running > 0 && this.stopping && now >= this.stopping.askAgainAt) {
      this.stopping.askAgainAt = now + askAgainMs;
      this.stopping.requests.push(this.requestCancel());
    }
    if (now <= this.deadline) return;
    if (!this.owner.serverKeepsLimit && !this.stopping && !this.limit.probe) {
      this.deadline = now + this.owner.graceMs;
      this.stop();
      return;
    }
    this.failure = readTimeout();
    this.cutOff();
    this.owner.suspectOthers();
  }

  /** Says goodbye. Only while nothing runs here. */
  end(): void {
    this.broken = true;
    this.client.end(() => undefined);
  }

  /** Ends it without a word: saying goodbye would wait for what is stuck. */
  cutOff(): void {
    this.broken = true;
    this.deadline = Infinity;
    streamOf(this.client).destroy();
  }

  /** When the signal fires the caller is answered at once and the server is told to stop. */
  private send(statement: Statement, limit: RunOptions): Promise<PgResult> {
    const { signal } = limit;
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    return new Promise((resolve, reject) => {
      const actions = signal && abortActions(signal);
      const abort = () => {
        this.stop();
        reject(signal?.reason as Error);
      };
      actions?.add(abort);
      this.running += 1;
      this.startTimer(limit);
      const prepared = this.owner.prepares ? statement : withoutName(statement);
      this.client.query(prepared, (error: Error | null, result: PgResult) => {
        actions?.delete(abort);
        this.running -= 1;
        // Whatever has been asked meanwhile starts now.
        if (this.running > 0) this.startTimer(this.limit);
        else this.deadline = Infinity;
        if (this.stopping) this.noteStopped(this.stopping, error);
        if (error) reject(this.failure ?? error);
        else resolve(result);
      });
    });
  }

  /** Whoever only wants to know whether the server is there does not leave it to the server to say when it is late. */
  private startTimer(limit: Limit): void {
    const { serverKeepsLimit, graceMs } = this.owner;
    this.limit = limit;
    this.deadline = this.owner.now() + limit.limitMs + (serverKeepsLimit && !limit.probe ? graceMs : 0);
  }

  private stop(): void {
    if (this.stopping) return;
    const ended = Promise.withResolvers<void>();
    const requests = [this.requestCancel()];
    const over = ended.promise
      .then(() => Promise.all(requests))
      .then(() => {
        this.stopping = undefined;
      });
    this.stopping = { ended: ended.resolve, over, requests, askAgainAt: this.owner.now() + askAgainMs };
  }

  private requestCancel(): Promise<void> {
    // The driver's types leave out the fields that a cancel request is made of.
    return cancelStatement(this.client as unknown as Cancellable);
  }

  private noteStopped(stopping: Stopping, error: unknown): void {
    // It ended by itself: the request to cancel may arrive late and hit whatever runs here next.
    if (!isCancelled(error)) this.broken = true;
    stopping.ended();
  }

  private noteFailure(error: Error, started: number, options: RunOptions): void {
    if (isConnectionError(error)) {
      this.broken = true;
      if (!options.probe) this.owner.onFailure(error, started);
    }
    this.report(outcomeOf(error), started, options);
  }

  private noteLoss(error: Error): void {
    this.broken = true;
    this.owner.lost(this, error);
  }

  private report(outcome: QueryOutcome, started: number, { operation }: RunOptions): void {
    const { onQuery } = this.owner;
    if (onQuery) onQuery({ operation, seconds: (performance.now() - started) / 1000, outcome });
  }
}

const askAgainMs = 1_000;

type Limit = Pick<RunOptions, 'limitMs' | 'probe'>;

interface Stopping {
  ended: () => void;
  /** The statement has ended, and no request to cancel is under way any more. */
  over: Promise<void>;
  requests: Promise<void>[];
  /** A request that overtakes its statement, or is lost, has no effect and no answer. */
  askAgainAt: number;
}

function withoutName({ text, values }: Statement): Statement {
  return values ? { text, values } : { text };
}

function isCancelled(error: unknown): boolean {
  return isSqlError(error) && error.code === '57014';
}

/** A connection on loan for more than one statement. */
export interface LentConnection {
  readonly connection: Connection;
  release(): void;
}
