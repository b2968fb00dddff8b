import type { QueryResult } from 'pg';
import type { Interceptor, MigrationSession, Send, SentStatement } from '../migration-session';
import { readCatalog, type Catalog } from './catalog';
import { parseStatements, type ParsedStatement } from './sql-statements';

/** A statement, and what came of it on a real server. */
export interface ObservedStatement {
  /** What it consists of: one, but where several had to be sent in one piece. */
  parsed: ParsedStatement[];
  text: string;
  before: Catalog;
  after: Catalog;
  /** Tables that it read through, whether it says so or not: building, checking and filling all do. */
  scanned: string[];
  /** The strong locks that the transaction holds after it, by table. */
  locked: Record<string, string>;
  /** How long it would have waited for them; 0 is without end. */
  lockTimeoutMs: number;
}

export interface Observation {
  statements: ObservedStatement[];
  intercept: Interceptor;
}

/**
 * Looks at the server before and after each statement of a migration. So it is judged by what it does, however it was
 * written: by hand, with knex, or inside of a function. Texts with several statements are taken apart where that makes
 * no difference, which is in a transaction.
 */
export function observe(
  session: MigrationSession,
  schema: string,
  { transactional }: { transactional: boolean },
): Observation {
  const statements: ObservedStatement[] = [];
  const runObserved = async (statement: SentStatement, parsed: ParsedStatement[], send: Send) => {
    const before = await look(session, schema);
    const result = await send(statement);
    const after = await look(session, schema);
    statements.push({
      parsed,
      text: statement.text.trim(),
      before: before.catalog,
      after: after.catalog,
      scanned: Object.keys(after.scans).filter(
        (table) => (after.scans[table] ?? 0) > (before.scans[table] ?? 0),
      ),
      locked: after.locked,
      lockTimeoutMs: before.lockTimeoutMs,
    });
    return result;
  };
  const intercept: Interceptor = async (statement, send) => {
    const parsed = parseStatements(statement.text);
    if (!transactional || parsed.length < 2 || statement.values?.length) {
      return runObserved(statement, parsed, send);
    }
    const results: QueryResult[] = [];
    for (const each of parsed) results.push(await runObserved({ text: each.text }, [each], send));
    // This is how the driver answers a text of several statements; its types know only one.
    return results as unknown as QueryResult;
  };
  return { statements, intercept };
}

interface Look {
  catalog: Catalog;
  scans: Record<string, number>;
  locked: Record<string, string>;
  lockTimeoutMs: number;
}

const stateQuery = `
  select
    (select json_object_agg(relid, coalesce(seq_scan, 0) + coalesce(idx_scan, 0))
       from pg_stat_xact_all_tables where schemaname = $1) as scans,
    (select json_object_agg(relation, mode) from (
       select distinct on (l.relation) l.relation, l.mode
         from pg_locks l join pg_class c on c.oid = l.relation join pg_namespace n on n.oid = c.relnamespace
        where l.pid = pg_backend_pid() and l.granted and n.nspname = $1
          and l.mode in ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
        order by l.relation, l.mode) strongest) as locked,
    (select setting::int from pg_settings where name = 'lock_timeout') as "lockTimeoutMs"`;

async function look(session: MigrationSession, schema: string): Promise<Look> {
  const [state] = await session.query<Omit<Look, 'catalog'>>(stateQuery, [schema]);
  return {
    catalog: await readCatalog(session, schema),
    scans: state?.scans ?? {},
    locked: state?.locked ?? {},
    lockTimeoutMs: state?.lockTimeoutMs ?? 0,
  };
}
