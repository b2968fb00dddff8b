import type { DryRunStep } from './dry-run';
import type { MigrateDirection, MigrationStatus } from './migrate';
import type { MigrationEvent } from './migration-events';
import type { MigrationEntry } from './migration-plan';

const stillRunningEveryMs = 10_000;

/** Lines for an operator while migrations run; `stop` ends the reminders of what takes long. */
export function followProgress(write: (line: string) => void) {
  let reminder: NodeJS.Timeout | undefined;
  const stop = () => clearInterval(reminder);
  const remind = (name: string) => {
    const began = performance.now();
    stop();
    reminder = setInterval(
      () => write(`still at ${name}, ${Math.round((performance.now() - began) / 1000)} s`),
      stillRunningEveryMs,
    );
    reminder.unref();
  };
  const onProgress = (event: MigrationEvent) => {
    if (event.kind === 'started') remind(event.name);
    if (event.kind === 'finished') stop();
    const line = lineOf(event);
    if (line !== undefined) write(line);
  };
  return { onProgress, stop };
}

export function describeOutcome(
  { ran, entries, dryRun }: MigrationStatus,
  command: MigrateDirection,
  schema: string,
): string[] {
  if (command === 'status') return statusTable(entries, schema);
  if (dryRun) return describeDryRun(dryRun, schema);
  if (ran.length > 0) return [];
  return [command === 'up' ? `"${schema}" is up to date` : `"${schema}" has nothing to take back`];
}

function lineOf(event: MigrationEvent): string | undefined {
  switch (event.kind) {
    case 'waiting':
      return `waiting for ${event.holder}`;
    case 'started':
      return event.total > 1
        ? `${event.position}/${event.total} ${event.direction} ${event.name}`
        : `${event.direction} ${event.name}`;
    case 'retrying': {
      const who = event.inUseBy.length > 0 ? `, which are in use by ${event.inUseBy.join(', ')}` : '';
      const count = `attempt ${event.attempt} of ${event.attempts}`;
      return `${event.name} could not have its tables${who}; ${count}, the next in ${seconds(event.waitMs)}`;
    }
    case 'index-removed':
      return `removed ${event.index}, an index that was never finished`;
    case 'index-left':
      return `${event.index} is an unfinished index that is in use: the next run removes it`;
    case 'finished':
      return `${event.direction === 'up' ? 'applied' : 'took back'} ${event.name} (${seconds(event.ms)})`;
    case 'missing':
      return `the database is ahead of this version: it has run ${event.names.join(', ')}`;
    case 'late':
      return `runs after newer ones have: ${event.names.join(', ')}`;
  }
}

function statusTable(entries: readonly MigrationEntry[], schema: string): string[] {
  if (entries.length === 0) return [`"${schema}" has no migrations`];
  const rows = entries.map(({ state, batch, appliedAt, name }) => [
    state,
    batch === undefined ? '-' : String(batch),
    appliedAt === undefined ? '-' : `${appliedAt.toISOString().slice(0, 19)}Z`,
    name,
  ]);
  const table = [['state', 'batch', 'applied at', 'migration'], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  return table.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
}

function describeDryRun(steps: readonly DryRunStep[], schema: string): string[] {
  if (steps.length === 0) return [`"${schema}": there is nothing to do`];
  return [
    ...steps.flatMap(({ name, statements, tried, note }) => [
      `-- ${name} (${note ?? (tried ? 'tried, and taken back' : 'listed only')})`,
      ...statements.map((text) => `${text.replace(/;$/, '')};`),
      '',
    ]),
    'nothing has been changed',
  ];
}

function seconds(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`;
}
