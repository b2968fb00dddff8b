import type { Response } from 'express';
import { exchangeOf } from './exchange';

/**
 * Fires when nobody waits for the answer any more, because the client has gone or has been told that it took too long.
 * Most requests never ask for it, so it is made for those that do.
 */
export function signalOf(response: Response): AbortSignal {
  const exchange = exchangeOf(response);
  const controller = exchange?.abort ?? new AbortController();
  if (exchange) exchange.abort = controller;
  if (response.destroyed || exchange?.overdue) controller.abort();
  return controller.signal;
}
