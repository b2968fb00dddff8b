import { setTimeout as delay } from 'node:timers/promises';
import { isAppError } from '@rostrum/errors';
import type { RetryBudget } from './retry-budget';
import { isConnectionError, isError, isReadTimeout, isSqlError } from './sql-state';

export type RetryReason = 'serialization' | 'deadlock' | 'connection';

export interface RetryEvent {
  operation: string;
  reason: RetryReason;
  /** The try that failed, from 1. */
  attempt: number;
}

export interface RetryPolicy {
  operation: string;
  retries: number;
  budget: RetryBudget;
  signal?: AbortSignal | undefined;
  onRetry?: ((event: RetryEvent) => void) | undefined;
}

const firstDelayMs = 20;
const longestDelayMs = 1_000;

/**
 * Runs it again after failures that nobody is to blame for, later each time, by chance and within the budget. That there
 * is no connection to be had is no such failure: whoever waited for one has waited long enough.
 */
export async function withRetries<Connection, T>(
  connect: () => Promise<Connection>,
  attempt: (connection: Connection) => Promise<T>,
  policy: RetryPolicy,
): Promise<T> {
  const { operation, retries, budget, signal, onRetry } = policy;
  budget.noteCall();
  for (let tries = 1; ; tries += 1) {
    const connection = await connect();
    try {
      return await attempt(connection);
    } catch (error) {
      const reason = tries > retries || signal?.aborted ? undefined : retryReason(error);
      if (!reason || !budget.take()) throw error;
      onRetry?.({ operation, reason, attempt: tries });
    }
    // Anywhere from at once to the limit: those who collided once should not do so again.
    const limitMs = Math.min(longestDelayMs, firstDelayMs * 2 ** tries);
    await delay(Math.random() * limitMs, undefined, { signal }).catch(() => signal?.throwIfAborted());
  }
}

const depth = 5;

/** Looks below what a service makes of an error: its cause still says whether a second try may help. */
export function retryReason(error: unknown): RetryReason | undefined {
  for (let cause = error, level = 0; isError(cause) && level < depth; cause = cause.cause, level += 1) {
    if (isAppError(cause) && cause.code === 'POSTGRES_OUTCOME_UNKNOWN') return undefined;
    if (isSqlError(cause) && cause.code === '40001') return 'serialization';
    if (isSqlError(cause) && cause.code === '40P01') return 'deadlock';
    // To ask a frozen server again takes as long again.
    if (isConnectionError(cause)) return isReadTimeout(cause) ? undefined : 'connection';
  }
  return undefined;
}
