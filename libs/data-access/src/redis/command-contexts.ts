import { AsyncLocalStorage } from 'node:async_hooks';
import type { Command, Redis } from 'ioredis';

type Restore = ReturnType<typeof AsyncLocalStorage.snapshot>;

const context = Symbol('context');

/** A property, not a WeakMap: this is done for every command. */
type GivenCommand = Command & { [context]?: Restore };

/** The client of a cluster is told the node as well, by a pipeline that has one. */
type SendCommand = (command: Command, stream: unknown, node: unknown) => unknown;

/** What all of a pipeline's commands go through, though the types do not show it. */
interface CommandQueue {
  sendCommand(command: GivenCommand): unknown;
}

/**
 * Commands that are gathered into one pipeline would all be sent in the context of the first one's caller, and what a
 * tracer makes of them would stand in that caller's trace. So a pipeline is sent in no request's context, and those
 * commands whose context matters in the one that they were given in: to keep one costs as much as half the command.
 */
export function keepContexts(redis: Redis, matters: () => boolean): void {
  const outside = AsyncLocalStorage.snapshot();
  const pipelineOf = redis.pipeline;
  const send = redis.sendCommand as SendCommand;

  redis.pipeline = function (commands) {
    const pipeline = pipelineOf.call(redis, commands);
    const queued = pipeline as unknown as CommandQueue;
    const { sendCommand: queue } = queued;
    const { exec } = pipeline;
    queued.sendCommand = function (command) {
      if (matters()) command[context] = AsyncLocalStorage.snapshot();
      return queue.call(this, command);
    };
    pipeline.exec = function (callback) {
      return outside(() => exec.call(this, callback));
    };
    return pipeline;
  };
  redis.sendCommand = function (command: GivenCommand, stream, node?: unknown) {
    const restore = command[context];
    if (restore) return restore(() => send.call(redis, command, stream, node));
    return send.call(redis, command, stream, node);
  };
}
