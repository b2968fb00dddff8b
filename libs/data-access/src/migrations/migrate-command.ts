import { isError } from '../postgres/sql-state';
import { migrate, type MigrateOptions, type MigrationStatus } from './migrate';

export type MigrateCommandOptions = MigrateOptions & {
  /** Asked only when it is needed, so that `--help` works without any configuration. */
  url: () => string;
  write: (line: string) => void;
};

const usage = `Usage: migrate up|status|--help
  up       run what has not run yet
  status   say what has run and what has not; exit code 2 when something has not`;

/** The command that each service's `migrate` is. Resolves to the exit code. */
export async function runMigrateCommand(
  args: readonly string[],
  options: MigrateCommandOptions,
): Promise<number> {
  const { url, write, ...rest } = options;
  const [command = 'up', ...more] = args;
  if (command === '--help' || command === '-h') {
    write(usage);
    return 0;
  }
  if ((command !== 'up' && command !== 'status') || more.length > 0) {
    write(`migrate does not know "${[...args].join(' ')}"\n${usage}`);
    return 64;
  }
  try {
    const status = await migrate(url(), rest, command);
    for (const line of describe(status, command, rest.schema)) write(line);
    return command === 'status' && status.pending.length > 0 ? 2 : 0;
  } catch (error) {
    write(`migrate ${command} of "${rest.schema}" failed: ${story(error)}`);
    return 1;
  }
}

function describe(
  { applied, ran, pending }: MigrationStatus,
  command: 'up' | 'status',
  schema: string,
): string[] {
  if (command === 'status') {
    return [...applied.map((name) => `applied  ${name}`), ...pending.map((name) => `pending  ${name}`)];
  }
  return ran.length > 0 ? ran.map((name) => `applied ${name}`) : [`"${schema}" is up to date`];
}

function story(error: unknown): string {
  if (!isError(error)) return String(error);
  return isError(error.cause) ? `${error.message} (${error.cause.message})` : error.message;
}
