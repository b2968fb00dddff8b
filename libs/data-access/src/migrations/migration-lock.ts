import { setTimeout as delay } from 'node:timers/promises';
import type { MigrationSession } from './migration-session';

export interface LockOptions {
  schema: string;
  waitMs: number;
  signal?: AbortSignal | undefined;
  onWait: (holder: string) => void;
}

const askEveryMs = 200;
const lockIds = `hashtext('rostrum.migrate'), hashtext($1)`;
/** pg_locks shows the two numbers without their sign. */
const isOurLock = `l.locktype = 'advisory' and l.granted and l.objsubid = 2
  and l.classid::bigint = hashtext('rostrum.migrate')::bigint & 4294967295
  and l.objid::bigint = hashtext($1)::bigint & 4294967295
  and l.database = (select oid from pg_database where datname = current_database())`;

/**
 * Waits until no other migration of the schema runs, and keeps others out until the session ends. It asks time and
 * again: a statement that waits in the server would itself be waited for by an index that is built concurrently.
 */
export async function takeLock(session: MigrationSession, options: LockOptions): Promise<void> {
  const { schema, waitMs, signal, onWait } = options;
  const deadline = performance.now() + waitMs;
  for (let told = false; !(await tryLock(session, schema));) {
    if (!told) onWait(await holderOf(session, schema));
    told = true;
    if (performance.now() >= deadline) {
      throw new Error(`Another migration of "${schema}" has been running for more than ${waitMs} ms`);
    }
    await delay(askEveryMs * (0.5 + Math.random()), undefined, signal && { signal });
  }
}

/** Whatever a migration did to its session, the lock must still be there for the next one. */
export async function confirmLock(session: MigrationSession, schema: string): Promise<void> {
  const [row] = await session.query<{ held: boolean }>(
    `select exists (select from pg_locks l where ${isOurLock} and l.pid = pg_backend_pid()) as held`,
    [schema],
  );
  if (row?.held) return;
  throw new Error(
    `The lock that keeps other migrations of "${schema}" out was lost: did one of them let go of it?`,
  );
}

async function tryLock(session: MigrationSession, schema: string): Promise<boolean> {
  const [row] = await session.query<{ taken: boolean }>(`select pg_try_advisory_lock(${lockIds}) as taken`, [
    schema,
  ]);
  return row?.taken ?? false;
}

async function holderOf(session: MigrationSession, schema: string): Promise<string> {
  const [row] = await session.query<{ holder: string }>(
    `select format('%s, process %s of the server', coalesce(nullif(a.application_name, ''), a.usename), a.pid) as holder
       from pg_locks l join pg_stat_activity a using (pid) where ${isOurLock}`,
    [schema],
  );
  return row?.holder ?? 'another migration';
}
