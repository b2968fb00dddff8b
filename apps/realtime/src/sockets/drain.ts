import { setTimeout as delay } from 'node:timers/promises';
import type { Connections } from './connections';
import { frameOf } from './frame';

export interface DrainOptions {
  /** Over how long the closes of many sockets are spread. */
  paceMs: number;
  /** When it must be over. */
  limitMs: number;
  /** As many clients as may come back each second. They may do so long after this process has ended. */
  reconnectsPerSecond: number;
}

const stepMs = 20;
/** So few at once hurt nobody: a process with a handful of sockets ends without delay. */
const leastPerStep = 4;

/**
 * Tells every client how long to wait once its socket is closed, then closes the sockets bit by bit. When somebody comes
 * back is the sum of both, and each of the two alone spreads the clients well enough: also those who do not listen, and
 * those whose process is killed while it drains, do not all come at once.
 */
export async function drainConnections(connections: Connections, options: DrainOptions): Promise<void> {
  const { paceMs, limitMs } = options;
  const endsAt = performance.now() + limitMs;
  const open = [...connections];
  const delays = reconnectDelays(open.length, spreadMs(open.length, options));
  for (const [i, connection] of open.entries()) {
    connection.send(frameOf({ type: 'draining', reconnectInMs: delays[i] ?? 0 }));
  }
  const perStep = Math.max(leastPerStep, Math.ceil((open.length * stepMs) / Math.max(paceMs, stepMs)));
  for (let start = 0; start < open.length; start += perStep) {
    if (start > 0) await delay(stepMs);
    for (const connection of open.slice(start, start + perStep)) connection.close('restarting');
  }
  const timeLeft = delay(Math.max(0, endsAt - performance.now()), undefined, { ref: false });
  await Promise.race([connections.whenEmpty(), timeLeft]);
  for (const connection of connections) connection.terminate('restarting');
}

/** Over how long the clients' coming back is spread, so that no second has more of them than it may. */
export function spreadMs(
  count: number,
  { paceMs, reconnectsPerSecond }: Pick<DrainOptions, 'paceMs' | 'reconnectsPerSecond'>,
): number {
  return Math.max(paceMs, Math.ceil((count / reconnectsPerSecond) * 1000));
}

/** One delay for each: even over the time, in an order of chance. Chance alone would make crowds. */
export function reconnectDelays(count: number, withinMs: number): number[] {
  const delays = Array.from({ length: count }, (_, i) =>
    Math.floor(((i + Math.random()) / count) * withinMs),
  );
  for (let i = count - 1; i > 0; i -= 1) {
    const other = Math.floor(Math.random() * (i + 1));
    [delays[i], delays[other]] = [delays[other] as number, delays[i] as number];
  }
  return delays;
}
