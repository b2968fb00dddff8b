import {
  ConfigError,
  startFromConfig,
  type Config,
  type ConfigSpec,
  type Environment,
} from '@rostrum/config';
import type { Service } from './service';

export interface ProcessOptions<Spec extends ConfigSpec> {
  spec: Spec;
  environment: Environment;
  create: (config: Config<Spec>) => Service | Promise<Service>;
}

/** Runs a service as a process: configuration, start, signals, exit code. Each main.ts and worker.ts is one call of it. */
export async function runProcess<Spec extends ConfigSpec>({
  spec,
  environment,
  create,
}: ProcessOptions<Spec>): Promise<void> {
  const print = (line: string) => process.stdout.write(`${line}\n`);
  const outcome = startFromConfig(spec, { arguments: process.argv.slice(2), environment, print });
  if ('exitCode' in outcome) {
    process.exitCode = outcome.exitCode;
    return;
  }
  const service = await createOrSay(() => create(outcome.run), print);
  if (!service) return;
  stopOnSignals(service);
  dieOfTheUnforeseen(service);
  try {
    await service.start();
  } catch (error) {
    service.kit.logger.fatal('The start failed', { error });
    await service.stop('the start failed');
    process.exit(1);
  }
}

/** Settings that are valid each by itself may still not fit together. */
async function createOrSay(
  create: () => Service | Promise<Service>,
  print: (line: string) => void,
): Promise<Service | undefined> {
  try {
    return await create();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    print(error.message);
    process.exitCode = 1;
    return undefined;
  }
}

/** The first signal stops in order; a second one means that somebody has no patience left. */
function stopOnSignals(service: Service): void {
  let asked = false;
  const stop = (signal: NodeJS.Signals | 'disconnect') => {
    if (asked && signal !== 'disconnect') {
      service.kit.logger.fatal(`${signal} a second time: ending at once, not drained`);
      service.kit.logger.flushSync();
      process.exit(1);
    }
    asked = true;
    void service.stop(signal).then(({ ok }) => process.exit(ok ? 0 : 1));
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  // A supervisor that has died cannot send a signal any more.
  process.once('disconnect', () => stop('disconnect'));
}

/** A process whose state nobody understands must not go on serving. */
function dieOfTheUnforeseen({ kit: { logger } }: Service): void {
  const die = (kind: string) => (error: unknown) => {
    logger.fatal(kind, { error });
    logger.flushSync();
    process.exit(1);
  };
  process.on('uncaughtException', die('Uncaught exception'));
  process.on('unhandledRejection', die('Unhandled rejection'));
}
