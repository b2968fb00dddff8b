import { knex, type Knex } from 'knex';
import type { Client } from 'pg';
import { loadMigrations, toKnexSource, type MigrationLocation } from './migration-source';
import { withClient } from '../postgres/provision';

export type MigrateOptions = MigrationLocation & {
  /** The service's schema; the table of what has run lives in it. */
  schema: string;
  /** A migration that waits longer than this for a lock gives up, so that it does not hold up the traffic behind it. */
  lockTimeoutMs?: number;
  /** How long to wait for another migration of the same schema to end. */
  waitMs?: number;
};

export interface MigrationStatus {
  /** Has run, now or before, in order. */
  applied: string[];
  /** Has been run by this call. */
  ran: string[];
  pending: string[];
}

export const migrationsTable = 'schema_migrations';

/**
 * Brings one schema up to date (`up`) or only looks (`status`). One at a time per schema: others wait, then find
 * nothing to do. A run that was killed leaves no lock behind.
 */
export async function migrate(
  url: string,
  options: MigrateOptions,
  command: 'up' | 'status',
): Promise<MigrationStatus> {
  const migrations = await loadMigrations(options);
  return withClient(url, async (client) => {
    if (command === 'status') return readStatus(client, options.schema, Object.keys(migrations));
    await takeLock(client, options);
    const ran = await withKnex(url, options, (db) => runAll(db, options.schema, toKnexSource(migrations)));
    await protectTable(client, options.schema);
    return { ...(await readStatus(client, options.schema, Object.keys(migrations))), ran };
  });
}

async function runAll(
  db: Knex,
  schema: string,
  migrationSource: Knex.MigrationSource<string>,
): Promise<string[]> {
  const config = {
    migrationSource,
    schemaName: schema,
    tableName: migrationsTable,
    disableTransactions: false,
  };
  // knex's own lock is a row, which a killed run leaves set. The lock we hold makes clearing it safe.
  if (await db.schema.withSchema(schema).hasTable(`${migrationsTable}_lock`))
    await db.migrate.forceFreeMigrationsLock(config);
  const [, ran] = (await db.migrate.latest(config)) as [number, string[]];
  return ran;
}

async function readStatus(client: Client, schema: string, known: string[]): Promise<MigrationStatus> {
  const table = `${client.escapeIdentifier(schema)}.${migrationsTable}`;
  const { rows } = await client.query<{ found: boolean }>('select to_regclass($1) is not null as found', [
    table,
  ]);
  const applied = rows[0]?.found ? await namesIn(client, table) : [];
  const done = new Set(applied);
  return { applied, ran: [], pending: known.filter((name) => !done.has(name)).sort() };
}

async function namesIn(client: Client, table: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(`select name from ${table} order by id`);
  return rows.map(({ name }) => name);
}

async function takeLock(client: Client, { schema, waitMs = 60_000 }: MigrateOptions): Promise<void> {
  await client.query(`select set_config('lock_timeout', $1, false)`, [String(waitMs)]);
  try {
    await client.query('select pg_advisory_lock(hashtext($1), hashtext($2))', ['rostrum.migrate', schema]);
  } catch (cause) {
    throw new Error(`Another migration of "${schema}" has been running for more than ${waitMs} ms`, {
      cause,
    });
  }
}

/** The default privileges give the app every new table; what has run is not for it to write. */
async function protectTable(client: Client, schema: string): Promise<void> {
  for (const table of [migrationsTable, `${migrationsTable}_lock`]) {
    const { rows } = await client.query<{ grantee: string }>(
      `select distinct a.grantee::regrole::text as grantee
         from pg_class c, aclexplode(c.relacl) a
        where c.oid = to_regclass($1) and a.grantee <> c.relowner and a.grantee <> 0 and a.privilege_type <> 'SELECT'`,
      [`${client.escapeIdentifier(schema)}.${table}`],
    );
    for (const { grantee } of rows) {
      await client.query(
        `revoke insert, update, delete on ${client.escapeIdentifier(schema)}.${table} from ${grantee}`,
      );
    }
  }
}

async function withKnex<T>(url: string, options: MigrateOptions, work: (db: Knex) => Promise<T>): Promise<T> {
  const { schema, lockTimeoutMs = 5_000 } = options;
  // knex hands these on to the driver, whose settings its own types know only in part.
  const connection = {
    connectionString: url,
    lock_timeout: lockTimeoutMs,
    application_name: `migrate ${schema}`,
  };
  const db = knex({
    client: 'pg',
    connection,
    searchPath: [schema],
    pool: { min: 0, max: 1 },
    acquireConnectionTimeout: 10_000,
    log: { warn: ignore, error: ignore, deprecate: ignore, debug: ignore },
  });
  try {
    return await work(db);
  } finally {
    await db.destroy();
  }
}

function ignore(): void {
  // What knex would print, the caller gets as an error.
}
