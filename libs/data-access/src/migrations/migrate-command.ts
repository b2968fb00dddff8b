import { isError } from '../postgres/sql-state';
import { migrate, type MigrateOptions, type MigrationStatus } from './migrate';
import { migrateUsage, parseMigrateArguments, type MigrateArguments } from './migrate-arguments';
import { describeOutcome, followProgress } from './migrate-report';

export type MigrateCommandOptions = MigrateOptions & {
  /** Asked only when it is needed, so that `--help` works without any configuration. */
  url: () => string;
  write: (line: string) => void;
  /** Whether data here is worth a second thought: `down` then wants `--yes`. */
  askBeforeDown?: boolean;
};

/** The command that each service's `migrate` is. Resolves to the exit code. */
export async function runMigrateCommand(
  args: readonly string[],
  options: MigrateCommandOptions,
): Promise<number> {
  const { write } = options;
  if (args.includes('--help') || args.includes('-h')) {
    write(migrateUsage);
    return 0;
  }
  const parsed = parseMigrateArguments(args);
  if ('problem' in parsed) {
    write(`${parsed.problem}\n${migrateUsage}`);
    return 64;
  }
  if (parsed.command === 'down' && options.askBeforeDown && !parsed.yes && !parsed.dryRun) {
    write('down loses data. Look at it with --dry-run, and say --yes if that is what you want');
    return 64;
  }
  return runParsed(parsed, options);
}

async function runParsed(parsed: MigrateArguments, options: MigrateCommandOptions): Promise<number> {
  const { url, write, askBeforeDown: _askBeforeDown, ...rest } = options;
  const { command, to, batch, all, dryRun, acceptChanges } = parsed;
  const progress = followProgress(write);
  try {
    const wanted = { ...rest, to, batch, all, dryRun, acceptChanges, onProgress: progress.onProgress };
    const status = await migrate(url(), wanted, command);
    for (const line of describeOutcome(status, command, rest.schema)) write(line);
    return command === 'status' ? exitCodeOf(status) : 0;
  } catch (error) {
    write(`migrate ${command} of "${rest.schema}" failed: ${story(error)}`);
    return rest.signal?.aborted ? 130 : 1;
  } finally {
    progress.stop();
  }
}

function exitCodeOf({ entries, pending }: MigrationStatus): number {
  if (entries.some(({ state }) => state === 'changed')) return 3;
  return pending.length > 0 ? 2 : 0;
}

/** A server that is not there has an error without words, but with a code. */
function story(error: unknown): string {
  if (!isError(error)) return String(error);
  return error.message || ('code' in error ? String(error.code) : error.name);
}
