import type { TlsOptions } from '../postgres/connection-target';
import { dryRun, type DryRunStep } from './dry-run';
import type { MigrationEvent } from './migration-events';
import { takeLock } from './migration-lock';
import {
  entriesOf,
  planDown,
  planUp,
  type DownTarget,
  type Known,
  type MigrationEntry,
} from './migration-plan';
import { ensureTable, readRecords, rewriteChecksum } from './migration-records';
import { MigrationSession } from './migration-session';
import { loadMigrations, type MigrationLocation, type NamedMigration } from './migration-source';
import { runMigration, type Direction } from './run-migration';

export type MigrateOptions = MigrationLocation &
  DownTarget & {
    /** The service's schema; the table of what has run lives in it. */
    schema: string;
    /** How the connection is protected, where the URL does not say. */
    tls?: TlsOptions | undefined;
    /**
     * A migration that waits longer than this for a lock gives up and tries again later, so that it does not hold up
     * the traffic behind it. Those outside a transaction hold up nobody, and wait longer.
     */
    lockTimeoutMs?: number | undefined;
    /** How often a migration is tried while its tables are in use. */
    attempts?: number | undefined;
    /** How long to wait for another migration of the same schema to end. */
    waitMs?: number | undefined;
    /** Runs everything and takes it back. */
    dryRun?: boolean | undefined;
    /** Takes the present texts of migrations that have run for the right ones. */
    acceptChanges?: boolean | undefined;
    /** Ends what runs; nothing stays half-done. */
    signal?: AbortSignal | undefined;
    onProgress?: ((event: MigrationEvent) => void) | undefined;
  };

export type MigrateDirection = Direction | 'status';

export interface MigrationStatus {
  /** Has run, now or before, in order. */
  applied: string[];
  /** Has been run, or taken back, by this call. */
  ran: string[];
  pending: string[];
  entries: MigrationEntry[];
  /** Of a dry run: what it would have done. */
  dryRun?: DryRunStep[];
}

const defaults = { lockTimeoutMs: 500, attempts: 25, waitMs: 600_000 };

/**
 * Brings one schema up to date (`up`), takes migrations back (`down`) or only looks (`status`). One at a time per
 * schema: others wait, then find nothing to do. A run that was killed leaves no lock behind, and nothing half-done.
 */
export async function migrate(
  url: string,
  options: MigrateOptions,
  direction: MigrateDirection,
): Promise<MigrationStatus> {
  const migrations = await loadMigrations(options);
  const session = await MigrationSession.open(url, options.schema, options.tls);
  try {
    const run = new MigrationRun(session, migrations, options);
    return await (direction === 'status' ? run.status([]) : run.change(direction));
  } finally {
    await session.close();
  }
}

class MigrationRun {
  private readonly tell: (event: MigrationEvent) => void;

  constructor(
    private readonly session: MigrationSession,
    private readonly migrations: readonly NamedMigration[],
    private readonly options: MigrateOptions,
  ) {
    this.tell = (event) => options.onProgress?.(event);
  }

  async status(ran: string[]): Promise<MigrationStatus> {
    const known = await this.known();
    const entries = entriesOf(known);
    return {
      applied: known.records.map(({ name }) => name),
      ran,
      pending: entries.filter(({ state }) => state === 'pending').map(({ name }) => name),
      entries,
    };
  }

  async change(direction: Direction): Promise<MigrationStatus> {
    const { schema, signal, waitMs = defaults.waitMs } = this.options;
    const onWait = (holder: string) => this.tell({ kind: 'waiting', holder });
    await this.session.refuseTransactionPooler();
    await takeLock(this.session, { schema, waitMs, signal, onWait });
    const known = await this.known();
    const plan = direction === 'up' ? await this.checkedPlan(known) : planDown(known, this.options);
    if (this.options.dryRun) return this.tryOut(plan, direction);
    await ensureTable(this.session, schema);
    const ran = await this.runAll(plan, { direction, batch: nextBatch(known) });
    return this.status(ran);
  }

  private async known(): Promise<Known> {
    return { migrations: this.migrations, records: await readRecords(this.session, this.options.schema) };
  }

  /** Says what is odd before anything runs. A text that has changed since it ran is refused: who knows what is there? */
  private async checkedPlan(known: Known): Promise<NamedMigration[]> {
    const entries = entriesOf(known);
    const named = (state: MigrationEntry['state']) =>
      entries.filter((entry) => entry.state === state).map(({ name }) => name);
    const changed = named('changed');
    if (changed.length > 0) await this.settleChanges(changed);
    const missing = named('missing');
    if (missing.length > 0) this.tell({ kind: 'missing', names: missing });
    const plan = planUp(known, this.options);
    const newest = known.records.reduce((latest, { name }) => (name > latest ? name : latest), '');
    const late = plan.map(({ name }) => name).filter((name) => name < newest);
    if (late.length > 0) this.tell({ kind: 'late', names: late });
    return plan;
  }

  private async settleChanges(changed: readonly string[]): Promise<void> {
    if (!this.options.acceptChanges || this.options.dryRun) {
      const names = changed.map((name) => `"${name}"`).join(', ');
      throw new Error(
        `${names} changed after it had run. Restore it and write a new migration, or accept it as it is`,
      );
    }
    for (const each of this.migrations.filter(({ name }) => changed.includes(name))) {
      await rewriteChecksum(this.session, this.options.schema, each);
    }
  }

  private async runAll(
    plan: readonly NamedMigration[],
    { direction, batch }: { direction: Direction; batch: number },
  ): Promise<string[]> {
    const { schema, signal, lockTimeoutMs = defaults.lockTimeoutMs } = this.options;
    const { attempts = defaults.attempts } = this.options;
    const ran: string[] = [];
    for (const named of plan) {
      const { name } = named;
      this.tell({ kind: 'started', name, direction, position: ran.length + 1, total: plan.length });
      const run = { schema, direction, batch, lockTimeoutMs, attempts, signal, tell: this.tell };
      const ms = await runMigration(this.session, named, run);
      ran.push(name);
      this.tell({ kind: 'finished', name, direction, ms });
    }
    return ran;
  }

  private async tryOut(plan: readonly NamedMigration[], direction: Direction): Promise<MigrationStatus> {
    const { signal, lockTimeoutMs = defaults.lockTimeoutMs } = this.options;
    const steps = await dryRun(this.session, plan, { direction, lockTimeoutMs, signal });
    return { ...(await this.status([])), dryRun: steps };
  }
}

function nextBatch({ records }: Known): number {
  return 1 + records.reduce((largest, { batch }) => Math.max(largest, batch), 0);
}
