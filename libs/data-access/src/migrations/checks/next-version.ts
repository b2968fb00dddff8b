import { withClient } from '../../postgres/provision';
import type { Migration, MigrationMap } from '../migration-source';

/**
 * Migrations that any next version might have: each table of the schema gets a column, a check and an index, and loses
 * them again. A service that names the columns it reads and writes notices nothing of it.
 */
export async function nextVersion(ownerUrl: string, schema: string): Promise<MigrationMap> {
  const tables = await tablesOf(ownerUrl, schema);
  const each = (statement: (table: string) => string) =>
    tables.map((table) => statement(`"${schema}"."${table}"`));
  const steps: Migration[] = [
    inTransaction(
      each((table) => `alter table ${table} add column next_version text not null default 'new'`),
    ),
    inTransaction(
      each((table) => `alter table ${table} add constraint next_check check (next_version <> '') not valid`),
    ),
    inTransaction(each((table) => `alter table ${table} validate constraint next_check`)),
    outside(
      tables.map(
        (table) =>
          `create index concurrently if not exists "${indexName(table)}" on "${schema}"."${table}" (next_version)`,
      ),
    ),
    outside(tables.map((table) => `drop index concurrently if exists "${schema}"."${indexName(table)}"`)),
    {
      ...inTransaction(each((table) => `alter table ${table} drop column next_version`)),
      config: { contract: 'no version uses it' },
    },
  ];
  return Object.fromEntries(steps.map((step, index) => [`99990101000000-next-${index}`, step]));
}

async function tablesOf(ownerUrl: string, schema: string): Promise<string[]> {
  return withClient(ownerUrl, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `select relname as name from pg_class
        where relnamespace = to_regnamespace($1) and relkind = 'r' and not relispartition
          and relname <> 'schema_migrations'
        order by 1`,
      [schema],
    );
    return rows.map(({ name }) => name);
  });
}

function indexName(table: string): string {
  return `${table.slice(0, 40)}_next_version`;
}

function inTransaction(statements: string[]): Migration {
  return { up: async (knex) => void (await knex.raw(statements.join(';\n'))) };
}

function outside(statements: string[]): Migration {
  return {
    config: { transaction: false },
    up: async (knex) => {
      for (const statement of statements) await knex.raw(statement);
    },
  };
}
