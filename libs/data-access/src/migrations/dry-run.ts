import type { Knex } from 'knex';
import type { QueryResult } from 'pg';
import type { Interceptor, MigrationSession, SentStatement } from './migration-session';
import type { NamedMigration } from './migration-source';
import { limitsOf, type Direction } from './run-migration';
import { isError } from '../postgres/sql-state';

export interface DryRunStep {
  name: string;
  statements: string[];
  /** Whether the server ran them (and took them back), or only we have listed them. */
  tried: boolean;
  /** Why a list may not be complete. */
  note?: string;
}

export interface DryRunOptions {
  direction: Direction;
  lockTimeoutMs: number;
  signal?: AbortSignal | undefined;
}

/**
 * Runs migrations in one transaction and takes all of it back. The first that needs to be outside a transaction, and
 * all that come after it, can only be listed. Takes the locks that the real run takes, for as long as all of it lasts.
 */
export async function dryRun(
  session: MigrationSession,
  plan: readonly NamedMigration[],
  options: DryRunOptions,
): Promise<DryRunStep[]> {
  const steps: DryRunStep[] = [];
  const [first] = plan;
  if (!first) return steps;
  await session.prepare(limitsOf(first, options.lockTimeoutMs));
  const trx = await session.knex.transaction();
  try {
    for (const named of plan) {
      const tried = (steps.at(-1)?.tried ?? true) && (named.migration.config?.transaction ?? true);
      steps.push(await (tried ? tryOut : listOnly)({ session, named, options, trx }));
    }
  } finally {
    await trx.rollback();
  }
  return steps;
}

interface Step {
  session: MigrationSession;
  named: NamedMigration;
  options: DryRunOptions;
  trx: Knex;
}

async function tryOut({ session, named, options, trx }: Step): Promise<DryRunStep> {
  const statements: string[] = [];
  const intercept: Interceptor = (statement, send) => {
    statements.push(shown(statement));
    return send(statement);
  };
  const { signal, direction } = options;
  try {
    await session.run({ intercept, signal }, async () => void (await named.migration[direction]?.(trx)));
  } catch (cause) {
    throw new Error(`Migration "${named.name}" would fail: ${reasonOf(cause)}`, { cause });
  }
  return { name: named.name, statements, tried: true };
}

async function listOnly({ session, named, options, trx }: Step): Promise<DryRunStep> {
  const statements: string[] = [];
  const intercept: Interceptor = (statement) => {
    statements.push(shown(statement));
    return Promise.resolve(nothing);
  };
  const { signal, direction } = options;
  const outside = named.migration.config?.transaction === false;
  const why = outside ? 'it runs outside a transaction' : 'one before it runs outside a transaction';
  try {
    await session.run({ intercept, signal }, async () => void (await named.migration[direction]?.(trx)));
    return { name: named.name, statements, tried: false, note: `listed only: ${why}` };
  } catch (cause) {
    signal?.throwIfAborted();
    const note = `listed only, up to where it needs an answer (${reasonOf(cause)}): ${why}`;
    return { name: named.name, statements, tried: false, note };
  }
}

const nothing: QueryResult = { rows: [], rowCount: 0, command: '', oid: 0, fields: [] };

function shown({ text, values = [] }: SentStatement): string {
  const parameters = values.map((value, index) => `$${index + 1} = ${JSON.stringify(value)}`);
  return parameters.length > 0 ? `${text.trim()} -- ${parameters.join(', ')}` : text.trim();
}

function reasonOf(error: unknown): string {
  return isError(error) ? error.message : String(error);
}
