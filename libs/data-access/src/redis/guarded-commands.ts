import type { Command, Redis } from 'ioredis';
import type { StoreGuard } from '../store-guard';

const bypass = Symbol('bypass');

type GuardedRedis = Redis & { [bypass]?: boolean };

/** The client of a cluster takes a third argument: the node that a pipeline goes to. */
type Send = (command: Command, stream?: Parameters<Redis['sendCommand']>[1], node?: unknown) => unknown;

/** Answers with which a server says that it, not the command, is at fault. */
const serverFaults = /^(LOADING|MASTERDOWN|CLUSTERDOWN)\b/;

/**
 * Puts a circuit breaker before all commands. A pipeline hands over its commands in one go, so it is turned away as a
 * whole or not at all; with some of its commands missing it would wait for them for ever.
 */
export function guardCommands(redis: GuardedRedis, guard: StoreGuard): void {
  const send: Send = redis.sendCommand;
  const guarded: Send = function (command, stream, node) {
    // While it connects, the client sends commands of its own, without which it could never be back.
    if (redis[bypass] === true || redis.status === 'connect') return send.call(redis, command, stream, node);
    const refusal = guard.refusal();
    if (refusal !== undefined) {
      command.reject(refusal);
      return command.promise;
    }
    noteFailure(command, guard);
    return send.call(redis, command, stream, node);
  };
  redis.sendCommand = guarded;
}

/** Runs one command past the guard, which asks in this way whether Redis is back. */
export function unguarded<T>(redis: GuardedRedis, command: () => T): T {
  redis[bypass] = true;
  try {
    return command();
  } finally {
    redis[bypass] = false;
  }
}

/** In place of a handler on the promise, which would cost a turn of the queue and hide that nobody else has one. */
function noteFailure(command: Command, guard: StoreGuard): void {
  const { reject } = command;
  const startedAt = performance.now();
  command.reject = (error: Error) => {
    if (isServersFault(error)) guard.failed(error, startedAt);
    reject(error);
  };
}

function isServersFault(error: Error): boolean {
  return error.name !== 'ReplyError' || serverFaults.test(error.message);
}
