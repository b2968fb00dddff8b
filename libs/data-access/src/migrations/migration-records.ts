import type { Knex } from 'knex';
import type { MigrationSession } from './migration-session';

export const migrationsTable = 'schema_migrations';

/** What the database knows of a migration that it has run. */
export interface MigrationRecord {
  name: string;
  /** Migrations that one call has run have one number. */
  batch: number;
  appliedAt: Date;
  /** None of what ran from memory, or before checksums were kept. */
  checksum: string | undefined;
}

export interface NewRecord {
  name: string;
  batch: number;
  checksum: string | undefined;
  durationMs: number;
}

/** In the order in which they ran; none where nothing ever has. */
export async function readRecords(session: MigrationSession, schema: string): Promise<MigrationRecord[]> {
  const table = tableIn(session, schema);
  const [found] = await session.query<{ checksums: boolean }>(
    `select exists (select from pg_attribute where attrelid = to_regclass($1) and attname = 'checksum') as checksums
      where to_regclass($1) is not null`,
    [table],
  );
  if (!found) return [];
  const rows = await session.query<Omit<MigrationRecord, 'checksum'> & { checksum: string | null }>(
    `select name, batch, migration_time as "appliedAt", ${found.checksums ? 'checksum' : 'null as checksum'}
       from ${table} order by id`,
  );
  return rows.map((row) => ({ ...row, checksum: row.checksum ?? undefined }));
}

/** Makes the table of what has run, and what it lacks since an older version made it. Only its owner may change it. */
export async function ensureTable(session: MigrationSession, schema: string): Promise<void> {
  const table = tableIn(session, schema);
  await session.query('begin');
  try {
    await session.query(`create table if not exists ${table} (
      id serial primary key,
      name varchar(255) not null,
      batch integer not null,
      migration_time timestamptz not null default now(),
      checksum text,
      duration_ms integer
    )`);
    await upgrade(session, table);
    await protect(session, schema);
    await session.query('commit');
  } catch (error) {
    await session.query('rollback').catch(() => []);
    throw error;
  }
}

export async function addRecord(trx: Knex, schema: string, record: NewRecord): Promise<void> {
  const { name, batch, checksum = null, durationMs } = record;
  await trx(migrationsTable).withSchema(schema).insert({ name, batch, checksum, duration_ms: durationMs });
}

export async function removeRecord(trx: Knex, schema: string, name: string): Promise<void> {
  await trx(migrationsTable).withSchema(schema).where({ name }).delete();
}

/** Takes the present texts for the right ones. */
export async function rewriteChecksum(
  session: MigrationSession,
  schema: string,
  { name, checksum }: { name: string; checksum: string | undefined },
): Promise<void> {
  await session.query(`update ${tableIn(session, schema)} set checksum = $2 where name = $1`, [
    name,
    checksum ?? null,
  ]);
}

function tableIn(session: MigrationSession, schema: string): string {
  return `${session.identifier(schema)}.${migrationsTable}`;
}

async function upgrade(session: MigrationSession, table: string): Promise<void> {
  const [row] = await session.query<{ columns: number }>(
    `select count(*)::int as columns from pg_attribute
      where attrelid = to_regclass($1) and attname in ('checksum', 'duration_ms')`,
    [table],
  );
  if (row?.columns === 2) return;
  await session.query(
    `alter table ${table} add column if not exists checksum text, add column if not exists duration_ms integer`,
  );
}

/** The default privileges give the app every new table; what has run is not for it to write. */
async function protect(session: MigrationSession, schema: string): Promise<void> {
  const rows = await session.query<{ kind: string; object: string; grantee: string }>(
    `select distinct case c.relkind when 'S' then 'sequence' else 'table' end as kind,
            c.oid::regclass::text as object, a.grantee::regrole::text as grantee
       from pg_class c cross join aclexplode(c.relacl) a
      where c.relnamespace = to_regnamespace($1) and a.grantee not in (0, c.relowner)
        and c.relname in ('${migrationsTable}', '${migrationsTable}_id_seq')
        and (c.relkind = 'S' or a.privilege_type <> 'SELECT')`,
    [session.identifier(schema)],
  );
  for (const { kind, object, grantee } of rows) {
    await session.query(`revoke all on ${kind} ${object} from ${grantee}`);
    if (kind === 'table') await session.query(`grant select on ${object} to ${grantee}`);
  }
}
