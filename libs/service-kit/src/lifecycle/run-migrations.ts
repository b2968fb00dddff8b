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

/** Migrations as a process of their own, with the role that may change tables. Each migrate.ts is one call of it. */
export async function runMigrations({ spec, environment, service, directory }: MigrationProcess) {
  const print = (line: string) => void process.stdout.write(`${line}\n`);
  const args = process.argv.slice(2);
  const outcome = startFromConfig(spec, { arguments: args, environment, print });
  const command = { schema: service, directory, write: print };
  if ('run' in outcome) {
    const url = () => outcome.run.databaseMigrationUrl;
    process.exitCode = await runMigrateCommand(args, { ...command, url });
    return;
  }
  process.exitCode = outcome.exitCode;
  if (args.includes('--help')) await runMigrateCommand(['--help'], { ...command, url: () => '' });
}
