/** `npm run migrate`: the migrations of one service, or of all. */
import { parseArgs } from 'node:util';
import { ClearError, failureLine } from '../native/clear-error.mjs';
import { services } from '../start/settings.mjs';
import { lint } from './lint.mjs';
import { newMigration } from './new-migration.mjs';
import { testOldVersion } from './old-version.mjs';
import { runMigrations } from './run-migrations.mjs';

const usage = `npm run migrate -- <service|all> up|down|status [options]
npm run migrate -- lint [<service>|all]
npm run migrate -- test-old-version [<service>|all] [--base <commit>] [--only <tests>]
npm run migrate -- new <service> <name>

  up, down, status   what the service's own migrate.js does, in the database that npm start uses: it runs already, or
                     is started for this, or is the one of DATABASE_URL. With DATABASE_MIGRATION_URL, in that one
  lint               says which migrations could hurt what runs beside them; runs them in a database of its own
  test-old-version   runs services as they were at an earlier commit, with their tests of then, on the schemas of today;
                     without --base as they were before the last change of a migration
  new                an empty migration, dated now

  --to <name>        up: the last one to run; down: the last one to keep
  --batch, --all     down: all that the last up has run; everything
  --dry-run          say what would run, statement by statement: try it, and take it back
  --yes              down: needed where ENVIRONMENT is neither development nor test
  --accept-changes   up: take migrations that were edited after they had run for the right ones

Services: ${services.join(', ')}.

Examples:
  npm run migrate -- all status
  npm run migrate -- posts up --dry-run
  npm run migrate -- posts down --to 20261120120000
  npm run migrate -- lint
  npm run migrate -- test-old-version posts --base v1.4.0
  npm run migrate -- new posts add-language`;

const actions = ['up', 'down', 'status'];

async function main(args) {
  const [first, ...rest] = args;
  if (args.length === 0 || args.includes('--help')) {
    process.stdout.write(`${usage}\n`);
    return args.length === 0 ? 64 : 0;
  }
  if (first === 'lint' && rest.length < 2) return lint(chosen(rest[0] ?? 'all'));
  if (first === 'test-old-version') return testOldVersion(...oldVersionOptions(rest));
  if (first === 'new' && rest.length === 2) return newMigration(...chosen(rest[0]), rest[1]);
  if (first === 'lint' || first === 'new' || !actions.includes(rest[0])) {
    throw new ClearError(`migrate does not know "${args.join(' ')}".`, 'See npm run migrate -- --help.');
  }
  return runMigrations(chosen(first), rest);
}

function oldVersionOptions(args) {
  const options = { base: { type: 'string' }, only: { type: 'string' } };
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    if (positionals.length > 1) throw new Error(`test-old-version does not know "${positionals[1]}"`);
    return [chosen(positionals[0] ?? 'all'), values];
  } catch (error) {
    if (error instanceof ClearError) throw error;
    throw new ClearError(`${error.message}.`, 'See npm run migrate -- --help.');
  }
}

function chosen(name) {
  if (name === 'all') return services;
  if (services.includes(name)) return [name];
  throw new ClearError(`There is no service "${name}".`, `There are ${services.join(', ')}, and all.`);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${failureLine(error)}\n`);
  process.exitCode = 1;
}
