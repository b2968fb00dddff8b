import { setTimeout as delay } from 'node:timers/promises';
import type { Knex } from 'knex';
import { isError, isSqlError } from '../postgres/sql-state';
import { confirmLock } from './migration-lock';
import type { MigrationEvent } from './migration-events';
import { addRecord, removeRecord } from './migration-records';
import type { MigrationSession, SessionLimits } from './migration-session';
import type { NamedMigration } from './migration-source';
import { removeUnfinishedIndexes, unfinishedIndexes } from './unfinished-indexes';

export type Direction = 'up' | 'down';

export interface RunOptions {
  schema: string;
  direction: Direction;
  batch: number;
  lockTimeoutMs: number;
  attempts: number;
  signal?: AbortSignal | undefined;
  tell: (event: MigrationEvent) => void;
}

/** Outside a transaction no lock is waited for that others would queue behind. */
const patientLockTimeoutMs = 600_000;
const statementTimeoutMs = { inTransaction: 60_000, outside: 3_600_000 };
const longestPauseMs = 15_000;

/** In each other's way: the tables were in use for too long, or two transactions waited for each other. */
const conflictCodes = new Set(['55P03', '40P01', '40001']);

export function limitsOf({ migration }: NamedMigration, lockTimeoutMs: number): SessionLimits {
  const { transaction = true, statementTimeoutMs: own } = migration.config ?? {};
  return transaction
    ? { lockTimeoutMs, statementTimeoutMs: own ?? statementTimeoutMs.inTransaction }
    : { lockTimeoutMs: patientLockTimeoutMs, statementTimeoutMs: own ?? statementTimeoutMs.outside };
}

/**
 * Runs one migration and notes that it did, both or neither. While the tables are in use it gives up each time before
 * the traffic behind it would notice, and tries again later. Resolves to the milliseconds of the attempt that worked.
 */
export async function runMigration(
  session: MigrationSession,
  named: NamedMigration,
  options: RunOptions,
): Promise<number> {
  const { attempts, lockTimeoutMs, schema, signal, tell } = options;
  for (let attempt = 1; ; attempt += 1) {
    await session.prepare(limitsOf(named, lockTimeoutMs));
    await confirmLock(session, schema);
    const began = performance.now();
    try {
      await attemptOnce(session, named, { ...options, began });
      return Math.round(performance.now() - began);
    } catch (error) {
      if (signal?.aborted) throw new Error(interrupted(named), { cause: error });
      if (!isConflict(error) || attempt >= attempts) throw failure(named, error, attempt);
      const waitMs = pauseAfter(attempt, lockTimeoutMs);
      const inUseBy = await usersOf(session, schema);
      tell({ kind: 'retrying', name: named.name, attempt, attempts, waitMs, inUseBy });
      await pause(waitMs, named, signal);
    }
  }
}

type Attempt = RunOptions & { began: number };

function attemptOnce(session: MigrationSession, named: NamedMigration, options: Attempt): Promise<void> {
  const transactional = named.migration.config?.transaction ?? true;
  return transactional ? inTransaction(session, named, options) : outside(session, named, options);
}

async function inTransaction(
  session: MigrationSession,
  named: NamedMigration,
  options: Attempt,
): Promise<void> {
  await session.knex.transaction(async (trx) => {
    await session.run(
      { signal: options.signal },
      async () => void (await step(named, options.direction)(trx)),
    );
    await note(trx, named, options);
  });
}

/** May be begun anew at any point: what it left unfinished is removed, and what it had done it finds done. */
async function outside(session: MigrationSession, named: NamedMigration, options: Attempt): Promise<void> {
  const { schema, signal, tell, direction } = options;
  const clean = () =>
    removeUnfinishedIndexes(session, schema, (index) => tell({ kind: 'index-removed', index }));
  await clean();
  try {
    await session.run({ signal }, async () => void (await step(named, direction)(session.knex)));
    const unfinished = await unfinishedIndexes(session, schema);
    if (unfinished.length > 0) throw new Error(`The index ${unfinished.join(', ')} came out invalid`);
  } catch (error) {
    await cleanUpSoon(session, options);
    throw error;
  }
  await session.knex.transaction((trx) => note(trx, named, options));
}

/** Whoever interrupts wants an end: what cannot be removed at once is removed by the next run. */
async function cleanUpSoon(session: MigrationSession, { schema, tell }: Attempt): Promise<void> {
  const left = await unfinishedIndexes(session, schema).catch(() => []);
  for (const index of left) {
    await session
      .query(`set lock_timeout = '2s'`)
      .then(() => session.query(`drop index concurrently if exists ${index}`))
      .then(() => tell({ kind: 'index-removed', index }))
      .catch(() => tell({ kind: 'index-left', index }));
  }
}

function step({ name, migration }: NamedMigration, direction: Direction): (knex: Knex) => Promise<unknown> {
  if (direction === 'up') return (knex) => migration.up(knex);
  const { down } = migration;
  if (!down) throw new Error(`Migration "${name}" has no way back`);
  return (knex) => down(knex);
}

async function note(trx: Knex, { name, checksum }: NamedMigration, options: Attempt): Promise<void> {
  const { schema, batch, direction, began } = options;
  const durationMs = Math.round(performance.now() - began);
  if (direction === 'down') await removeRecord(trx, schema, name);
  else await addRecord(trx, schema, { name, batch, checksum, durationMs });
}

function isConflict(error: unknown): boolean {
  return isSqlError(error) && conflictCodes.has(error.code);
}

/** Twice as long each time, and never at the same moment as anybody else. */
function pauseAfter(attempt: number, lockTimeoutMs: number): number {
  const longest = Math.min(longestPauseMs, lockTimeoutMs * 2 ** attempt);
  return Math.round(longest * (0.5 + Math.random() / 2));
}

async function pause(ms: number, named: NamedMigration, signal: AbortSignal | undefined): Promise<void> {
  await delay(ms, undefined, signal && { signal }).catch((cause: unknown) => {
    throw new Error(interrupted(named), { cause });
  });
}

function interrupted({ name }: NamedMigration): string {
  return `Migration "${name}" was interrupted`;
}

function failure({ name }: NamedMigration, cause: unknown, attempts: number): Error {
  const what = isError(cause) ? cause.message : String(cause);
  const tries = attempts > 1 ? ` after ${attempts} attempts` : '';
  return new Error(`Migration "${name}" failed${tries}: ${what}`, { cause });
}

/** Who holds tables of the schema just now: the likely reason for a lock that could not be had. */
async function usersOf(session: MigrationSession, schema: string): Promise<string[]> {
  const rows = await session.query<{ who: string }>(
    `select distinct format('%s (process %s)', coalesce(nullif(a.application_name, ''), a.usename), a.pid) as who
       from pg_locks l join pg_class c on c.oid = l.relation join pg_stat_activity a using (pid)
      where l.granted and c.relnamespace = to_regnamespace($1) and a.pid <> pg_backend_pid()
      order by 1 limit 3`,
    [session.identifier(schema)],
  );
  return rows.map(({ who }) => who);
}
