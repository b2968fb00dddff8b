import { AsyncLocalStorage } from 'node:async_hooks';
import type { Command, Redis } from 'ioredis';

type Restore = ReturnType<typeof AsyncLocalStorage.snapshot>;

/**
 * Commands that are gathered into one pipeline are all sent in the context of the first one's caller: what a tracer
 * makes of the others would then stand in that caller's trace. Each command is sent in the context it was given in.
 */
export function keepContexts(redis: Redis): void {
  const contexts = new WeakMap<Command, Restore>();
  const pipelineOf = redis.pipeline.bind(redis);
  const send = redis.sendCommand.bind(redis);

  redis.pipeline = (commands) => {
    const pipeline = pipelineOf(commands);
    // The types show a pipeline's commands, and not what they all go through.
    const queued = pipeline as unknown as { sendCommand(command: Command): unknown };
    const queue = queued.sendCommand.bind(pipeline);
    queued.sendCommand = (command) => {
      contexts.set(command, AsyncLocalStorage.snapshot());
      return queue(command);
    };
    return pipeline;
  };
  redis.sendCommand = (command, stream) => {
    const restore = contexts.get(command);
    return restore ? restore(() => send(command, stream)) : send(command, stream);
  };
}
