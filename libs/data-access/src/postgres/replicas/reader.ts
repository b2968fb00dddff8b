import type { PooledQueries } from '../pool/pooled-queries';
import type { Built, Queryable, QueryOptions, QueryResult, Row } from '../queryable';
import type { RetryBudget } from '../retry-budget';
import {
  isConnectionError,
  isError,
  isPoolTimeout,
  isReadTimeout,
  isTransactionConflict,
} from '../sql-state';
import type { ReplicaSet } from './replica-set';
import { positionOf, type ReadPin } from './write-mark';

export interface ReadSources {
  primary: PooledQueries;
  replicas: ReplicaSet | undefined;
  budget: RetryBudget;
  /** After each read, where it was answered. */
  onRead?: ((event: ReadEvent) => void) | undefined;
}

export interface ReadEvent {
  /** The replica's name, or `primary`. */
  from: string;
  /** Because the one asked first did not answer. */
  instead: boolean;
}

/**
 * Reads, and nothing but reads: a statement may be asked twice, and of a server that refuses to write. Goes to a replica
 * that is fresh enough and has what the pin asks for, else to the primary; when whoever was asked is gone, to another.
 */
export class Reader implements Queryable {
  private readonly position: bigint | undefined;
  private readonly fromPrimary: boolean;

  constructor(
    private readonly sources: ReadSources,
    pin: ReadPin | undefined,
  ) {
    this.position = pin === undefined || pin === 'primary' ? undefined : positionOf(pin);
    this.fromPrimary = !sources.replicas || (pin !== undefined && this.position === undefined);
  }

  query<T extends object = Row>(...statement: Parameters<Queryable['query']>): Promise<QueryResult<T>> {
    return this.ask((queries) => queries.query<T>(...statement), statement[3]);
  }

  run<T extends object = Row>(
    operation: string,
    built: Built,
    options?: QueryOptions,
  ): Promise<QueryResult<T>> {
    return this.ask((queries) => queries.run<T>(operation, built, options), options);
  }

  private async ask<T>(
    send: (queries: Queryable) => Promise<T>,
    options: QueryOptions | undefined,
  ): Promise<T> {
    const { primary, replicas, budget, onRead } = this.sources;
    budget.noteCall();
    const replica = this.fromPrimary ? undefined : replicas?.choose(this.position);
    const spill = replica && replica.load >= 1 && !primary.pool.saturated;
    const first = replica && !spill ? replica : undefined;
    try {
      const result = await send(first?.queries ?? primary);
      onRead?.({ from: first?.name ?? 'primary', instead: false });
      return result;
    } catch (error) {
      const fault = options?.signal?.aborted ? undefined : faultIn(error);
      // To ask the primary in place of a replica that has gone is no luxury; to ask the primary twice is.
      if (!fault || (!first && !budget.take())) throw error;
      if (first && fault === 'connection') replicas?.suspect(first, error);
    }
    const result = await send(primary);
    onRead?.({ from: 'primary', instead: true });
    return result;
  }
}

/** What another server, or another try, may get around: a standby has to end statements now and then to go on replaying. */
function faultIn(error: unknown): 'connection' | 'conflict' | undefined {
  const cause = isError(error) && isError(error.cause) ? error.cause : error;
  if (isTransactionConflict(cause)) return 'conflict';
  return isConnectionError(cause) && !isReadTimeout(cause) && !isPoolTimeout(cause)
    ? 'connection'
    : undefined;
}
