import type { MigrationRecord } from './migration-records';
import type { NamedMigration } from './migration-source';

export interface MigrationEntry {
  name: string;
  /**
   * `changed`: it has run, and its text is another one now. `missing`: it has run, and this version of the service
   * does not have it.
   */
  state: 'applied' | 'changed' | 'missing' | 'pending';
  batch?: number;
  appliedAt?: Date;
}

export interface Target {
  /** The last migration that is to stand afterwards: its name, or the beginning of it. */
  to?: string | undefined;
}

export interface DownTarget extends Target {
  /** All that the last call has run, in place of the last one alone. */
  batch?: boolean | undefined;
  all?: boolean | undefined;
}

export interface Known {
  migrations: readonly NamedMigration[];
  records: readonly MigrationRecord[];
}

/** What has run, in that order, then what has not. */
export function entriesOf({ migrations, records }: Known): MigrationEntry[] {
  const byName = new Map(migrations.map((each) => [each.name, each]));
  const done = new Set(records.map(({ name }) => name));
  return [
    ...records.map(({ name, batch, appliedAt, checksum }): MigrationEntry => {
      const known = byName.get(name);
      const changed = known?.checksum !== undefined && checksum !== undefined && known.checksum !== checksum;
      return { name, state: known ? (changed ? 'changed' : 'applied') : 'missing', batch, appliedAt };
    }),
    ...migrations
      .filter(({ name }) => !done.has(name))
      .map(({ name }): MigrationEntry => ({ name, state: 'pending' })),
  ];
}

/** What `up` has to run, in order. */
export function planUp(known: Known, { to }: Target): NamedMigration[] {
  const done = new Set(known.records.map(({ name }) => name));
  const last = to === undefined ? undefined : findName(known.migrations, to);
  return known.migrations.filter(({ name }) => !done.has(name) && (last === undefined || name <= last));
}

/** What `down` has to take back, the last first. Refuses as a whole when one of them has no way back. */
export function planDown({ migrations, records }: Known, target: DownTarget): NamedMigration[] {
  const chosen = chooseDown(records, target).map(({ name }) => name);
  const byName = new Map(migrations.map((each) => [each.name, each]));
  const missing = chosen.filter((name) => !byName.has(name));
  if (missing.length > 0)
    throw new Error(`This version does not have ${list(missing)}: use the one that does`);
  const oneWay = chosen.filter((name) => !byName.get(name)?.migration.down);
  if (oneWay.length > 0) throw new Error(`There is no way back from ${list(oneWay)}: it has no "down"`);
  return chosen.flatMap((name) => byName.get(name) ?? []);
}

function chooseDown(records: readonly MigrationRecord[], target: DownTarget): MigrationRecord[] {
  const latestFirst = [...records].reverse();
  if (target.all) return latestFirst;
  if (target.to !== undefined) {
    const stays = findName(records, target.to);
    return latestFirst.slice(
      0,
      latestFirst.findIndex(({ name }) => name === stays),
    );
  }
  const [last] = latestFirst;
  if (!last) return [];
  return target.batch ? latestFirst.filter(({ batch }) => batch === last.batch) : [last];
}

function findName(among: readonly { name: string }[], wanted: string): string {
  const found = among.filter(({ name }) => name === wanted || name.startsWith(wanted));
  const exact = found.find(({ name }) => name === wanted) ?? (found.length === 1 ? found[0] : undefined);
  if (exact) return exact.name;
  throw new Error(
    found.length === 0
      ? `There is no migration "${wanted}" to go to`
      : `"${wanted}" may be any of ${list(found.map(({ name }) => name))}`,
  );
}

function list(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}
