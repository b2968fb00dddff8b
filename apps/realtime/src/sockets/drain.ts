import { setTimeout as delay } from 'node:timers/promises';
import type { Connections } from './connections';
import { frameOf } from './frame';

export interface DrainOptions {
  /** Over how long the closes of many sockets, and again the clients' coming back, are spread. */
  paceMs: number;
  /** When it must be over. */
  limitMs: number;
}

const stepMs = 20;
/** So few at once hurt nobody: a process with a handful of sockets ends without delay. */
const leastPerStep = 4;

/** Tells every client when to come back, then closes the sockets bit by bit, so that they do not all come at once. */
export async function drainConnections(
  connections: Connections,
  { paceMs, limitMs }: DrainOptions,
): Promise<void> {
  const endsAt = performance.now() + limitMs;
  const open = [...connections];
  for (const connection of open) {
    connection.send(frameOf({ type: 'draining', reconnectInMs: Math.round(Math.random() * paceMs) }));
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
