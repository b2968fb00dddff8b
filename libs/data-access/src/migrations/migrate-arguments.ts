import { parseArgs } from 'node:util';
import { isError } from '../postgres/sql-state';
import type { MigrateDirection } from './migrate';

export interface MigrateArguments {
  command: MigrateDirection;
  to?: string | undefined;
  batch: boolean;
  all: boolean;
  dryRun: boolean;
  yes: boolean;
  acceptChanges: boolean;
}

export const migrateUsage = `Usage: migrate up|down|status [options]

  up       run what has not run yet (this is what it does without a word, too)
  down     take back the last migration
  status   say what has run and what has not; exit code 2 when something has not, 3 when something changed since

  --to <name>        up: the last one to run; down: the last one to keep. The beginning of the name will do
  --batch            down: all that the last up has run
  --all              down: everything
  --dry-run          say what would run, statement by statement: try it, and take it back
  --yes              down: needed outside development, where data would be lost
  --accept-changes   up: take migrations that were edited after they had run for the right ones

Examples:
  migrate status
  migrate up --dry-run
  migrate up --to 20261120120000
  migrate down --batch --dry-run
  migrate down --to 20261120120000-create-posts --yes`;

/** The arguments, or what is wrong with them. */
export function parseMigrateArguments(args: readonly string[]): MigrateArguments | { problem: string } {
  const flag = { type: 'boolean', default: false } as const;
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        to: { type: 'string' },
        batch: flag,
        all: flag,
        'dry-run': flag,
        yes: flag,
        'accept-changes': flag,
      },
    });
    const [command = 'up', ...more] = positionals;
    if (!isCommand(command) || more.length > 0) {
      return { problem: `migrate does not know "${positionals.join(' ')}"` };
    }
    const { 'dry-run': dryRun, 'accept-changes': acceptChanges, ...rest } = values;
    const parsed = { ...rest, command, dryRun, acceptChanges };
    return misplaced(parsed) ?? parsed;
  } catch (error) {
    return { problem: isError(error) ? error.message : String(error) };
  }
}

function isCommand(word: string): word is MigrateDirection {
  return word === 'up' || word === 'down' || word === 'status';
}

/** An option that would be passed over in silence is a misunderstanding. */
function misplaced(given: MigrateArguments): { problem: string } | undefined {
  const { command, to, batch, all, dryRun, yes, acceptChanges } = given;
  const wrong = [
    command !== 'down' && batch && '--batch belongs to down',
    command !== 'down' && all && '--all belongs to down',
    command !== 'down' && yes && '--yes belongs to down',
    command !== 'up' && acceptChanges && '--accept-changes belongs to up',
    command === 'status' && to !== undefined && '--to belongs to up and down',
    command === 'status' && dryRun && '--dry-run belongs to up and down',
    [to !== undefined, batch, all].filter(Boolean).length > 1 && 'only one of --to, --batch and --all',
  ].find((each) => each !== false);
  return wrong === undefined ? undefined : { problem: wrong };
}
