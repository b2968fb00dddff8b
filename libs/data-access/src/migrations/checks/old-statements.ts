import { setImmediate as turn } from 'node:timers/promises';
import { Client } from 'pg';
import { withClient } from '../../postgres/provision';
import { migrate } from '../migrate';
import { loadMigrations, type NamedMigration } from '../migration-source';
import type { LintOptions } from './lint-migrations';

/** The columns of each table, and what the service may do with its rows. */
type Shape = Record<string, { columns: string[]; writable: string[]; privileges: string[] }>;

export interface OldStatementsOptions {
  /** A database in which the steps are tried out first, to learn what each one leaves. */
  rehearsal: { url: string; ownerUrl: string };
  /** The one in which they are run while the service's statements go on. Both begin empty. */
  real: { url: string; ownerUrl: string };
}

export interface StepReport {
  migration: string;
  /** How many statements in the old shape ran before, beside and after it. */
  statements: number;
  errors: string[];
  longestMs: number;
}

/**
 * Runs a service's migrations one by one. Beside each, a connection of the service keeps on reading and writing every
 * table with statements that know the columns of before, all of them by name, as the version of before could do.
 * Of what a contract step drops, nothing is used any more.
 */
export async function runOldStatements(
  { rehearsal, real }: OldStatementsOptions,
  options: LintOptions,
): Promise<StepReport[]> {
  const migrations = await loadMigrations(options);
  const reports: StepReport[] = [];
  let before: Shape = {};
  for (const named of migrations) {
    await stepTo(rehearsal.ownerUrl, named, options);
    const after = await readShape(rehearsal.url, options.schema);
    const used = named.migration.config?.contract ? common(before, after) : before;
    const work = () => stepTo(real.ownerUrl, named, options);
    reports.push({
      migration: named.name,
      ...(await runBeside(real.url, statementsOf(used, options.schema), work)),
    });
    before = after;
  }
  return reports;
}

async function stepTo(ownerUrl: string, { name }: NamedMigration, options: LintOptions): Promise<void> {
  await migrate(ownerUrl, { ...options, to: name }, 'up');
}

async function readShape(url: string, schema: string): Promise<Shape> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ table: string } & Shape[string]>(
      `select relname as table,
              array_agg(attname::text order by attnum) as columns,
              coalesce(array_agg(attname::text order by attnum)
                filter (where attgenerated = '' and attidentity <> 'a'), '{}') as writable,
              array(select p from unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE']) p
                     where has_table_privilege(c.oid, p)) as privileges
         from pg_class c join pg_attribute a on attrelid = c.oid and attnum > 0 and not attisdropped
        where relnamespace = to_regnamespace($1) and relkind in ('r', 'p') and relname <> 'schema_migrations'
        group by c.oid, relname order by relname`,
      [schema],
    );
    return Object.fromEntries(rows.map(({ table, ...shape }) => [table, shape]));
  });
}

function common(before: Shape, after: Shape): Shape {
  return Object.fromEntries(
    Object.entries(before).flatMap(([table, was]) => {
      const is = after[table];
      if (!is) return [];
      const both = (part: 'columns' | 'writable' | 'privileges') =>
        was[part].filter((each) => is[part].includes(each));
      return [
        [table, { columns: both('columns'), writable: both('writable'), privileges: both('privileges') }],
      ];
    }),
  );
}

/** They change no row, so that they need none; whether tables, columns, types and rights are there shows all the same. */
function statementsOf(shape: Shape, schema: string): string[] {
  const quote = (names: readonly string[]) => names.map((name) => `"${name}"`).join(', ');
  return Object.entries(shape).flatMap(([name, { columns, writable, privileges }]) => {
    const table = `"${schema}"."${name}"`;
    const sets = writable.map((column) => `"${column}" = "${column}"`).join(', ');
    const all: Record<string, string> = {
      SELECT: `select ${quote(columns)} from ${table} limit 10`,
      INSERT: `insert into ${table} (${quote(writable)}) select ${quote(writable)} from ${table} where false`,
      UPDATE: `update ${table} set ${sets} where false`,
      DELETE: `delete from ${table} where false`,
    };
    return privileges.flatMap((privilege) => all[privilege] ?? []);
  });
}

async function runBeside(
  url: string,
  statements: readonly string[],
  work: () => Promise<void>,
): Promise<Omit<StepReport, 'migration'>> {
  const loop = new StatementLoop(url, statements);
  await loop.start();
  try {
    await loop.round();
    let working = true;
    const worked = work().finally(() => (working = false));
    while (working && statements.length > 0) await loop.round();
    await worked;
    await loop.round();
    return { statements: loop.count, errors: [...loop.errors], longestMs: Math.round(loop.longestMs) };
  } finally {
    await loop.end();
  }
}

/** Statements are prepared once and then used for as long as the connection lasts, as the service's own are. */
class StatementLoop {
  readonly errors = new Set<string>();
  count = 0;
  longestMs = 0;
  private readonly client: Client;

  constructor(
    url: string,
    private readonly statements: readonly string[],
  ) {
    this.client = new Client({ connectionString: url });
  }

  async start(): Promise<void> {
    await this.client.connect();
  }

  async round(): Promise<void> {
    for (const [index, text] of this.statements.entries()) {
      const began = performance.now();
      await this.client.query({ name: `old_${index}`, text }).catch((error: Error) => {
        this.errors.add(`${text}: ${error.message}`);
      });
      this.count += 1;
      this.longestMs = Math.max(this.longestMs, performance.now() - began);
    }
    await turn();
  }

  async end(): Promise<void> {
    await this.client.end();
  }
}
