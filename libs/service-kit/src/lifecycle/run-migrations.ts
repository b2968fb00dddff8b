import { startFromConfig, type Environment, type migrationSettings } from '@rostrum/config';
import type { ServiceName } from '@rostrum/contracts';
import { runMigrateCommand } from '@rostrum/data-access';

export interface MigrationProcess {
  spec: typeof migrationSettings;
  environment: Environment;
  /** Whose schema it is: a service and its schema have one name. */
  service: ServiceName;
  /** The folder of the compiled migrations. */
  directory: string;
}

const harmless = new Set(['development', 'test']);

/** Migrations as a process of their own, with the role that may change tables. Each migrate.ts is one call of it. */
export async function runMigrations({ spec, environment, service, directory }: MigrationProcess) {
  // That nobody reads on (`migrate up | head`) is no reason to die in the midst of it.
  process.stdout.on('error', () => undefined);
  const print = (line: string) => void process.stdout.write(`${line}\n`);
  const args = process.argv.slice(2);
  const command = { schema: service, directory, write: print };
  // The command first, its settings after it.
  if (args.includes('--help')) await runMigrateCommand(['--help'], { ...command, url: () => '' });
  const outcome = startFromConfig(spec, { arguments: args, environment, print });
  if ('exitCode' in outcome) {
    process.exitCode = outcome.exitCode;
    return;
  }
  const { databaseMigrationUrl, databaseTls: tls, environment: place } = outcome.run;
  process.exitCode = await runMigrateCommand(args, {
    ...command,
    url: () => databaseMigrationUrl,
    tls,
    askBeforeDown: !harmless.has(place),
    signal: interruption(),
  });
}

/** The first signal ends what runs and waits for it; a second one means that somebody has no patience left. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return controller.signal;
}
