import type { MigrationSession } from './migration-session';

/**
 * An index that was being built concurrently when its session ended stays behind, invalid: it costs every write, and
 * `if not exists` takes it for the real one. Nobody but a migration builds indexes in this schema; where somebody does
 * so by hand just now, their lock on the table gives them away.
 */
export async function unfinishedIndexes(session: MigrationSession, schema: string): Promise<string[]> {
  const rows = await session.query<{ name: string }>(
    `select format('%I.%I', n.nspname, c.relname) as name
       from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = $1 and c.relkind = 'i' and not i.indisvalid
        and not exists (
          select from pg_locks l
           where l.relation = i.indrelid and l.mode = 'ShareUpdateExclusiveLock' and l.pid <> pg_backend_pid()
        )
      order by 1`,
    [schema],
  );
  return rows.map(({ name }) => name);
}

export async function removeUnfinishedIndexes(
  session: MigrationSession,
  schema: string,
  onRemoved: (index: string) => void,
): Promise<void> {
  for (const index of await unfinishedIndexes(session, schema)) {
    await session.query(`drop index concurrently if exists ${index}`);
    onRemoved(index);
  }
}
