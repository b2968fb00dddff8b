import { createHash } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import type { Knex } from 'knex';

export interface MigrationConfig {
  /** `false` where PostgreSQL allows no transaction (`concurrently`) or one would be too long (rows in batches). */
  transaction?: boolean;
  /** Instead of the default for one statement. */
  statementTimeoutMs?: number;
  /** Makes this a contract step, which may drop things: says why nothing that runs still uses them. */
  contract?: string;
  /** Rules of the linter that it may break, each with the reason. */
  exempt?: Readonly<Record<string, string>>;
}

export interface Migration {
  up(knex: Knex): Promise<unknown>;
  /** Left out where there is no way back. */
  down?(knex: Knex): Promise<unknown>;
  config?: MigrationConfig;
}

/** Migrations by name; names sort in the order in which they are to run (`20261120120000-create-posts`). */
export type MigrationMap = Readonly<Record<string, Migration>>;

/** Where a service's migrations are: a folder of modules (`.js`, or `.ts` where the runtime takes it), or in memory. */
export type MigrationLocation =
  { directory: string; source?: undefined } | { source: MigrationMap; directory?: undefined };

export interface NamedMigration {
  name: string;
  migration: Migration;
  /** Of the text it was written as; migrations in memory have none. */
  checksum: string | undefined;
}

/** A build leaves here what its compiled migrations were made from. */
export const checksumFile = 'checksums.json';

/** All migrations of a place, in the order in which they run. */
export async function loadMigrations(location: MigrationLocation): Promise<NamedMigration[]> {
  const loaded = location.source
    ? Object.entries(location.source).map(([name, migration]) => ({ name, migration, checksum: undefined }))
    : await loadFolder(path.resolve(location.directory));
  for (const { name, migration } of loaded) checkShape(name, migration);
  return loaded.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Names are kept without the extension: what tests load as TypeScript, production loads compiled. */
export function isMigrationFile(file: string): boolean {
  return /\.(?:js|cjs|ts)$/.test(file) && !/\.(?:d|test)\.ts$/.test(file);
}

/** Of the words alone: what a formatter does to a migration does not change it. The build writes the same. */
export function checksumOf(text: string): string {
  return createHash('sha256').update(text.replace(/\s+/g, '')).digest('hex').slice(0, 16);
}

async function loadFolder(directory: string): Promise<NamedMigration[]> {
  const checksums = await readChecksums(directory);
  const files = (await fs.readdir(directory)).filter(isMigrationFile).sort();
  const loaded = new Map<string, NamedMigration>();
  for (const file of files) {
    const name = file.replace(/\.[^.]+$/, '');
    const full = path.join(directory, file);
    if (loaded.has(name)) throw new Error(`Migration "${name}" is there twice`);
    const checksum = checksums?.[name] ?? checksumOf(await fs.readFile(full, 'utf8'));
    loaded.set(name, { name, migration: loadModule(full), checksum });
  }
  return [...loaded.values()];
}

async function readChecksums(directory: string): Promise<Record<string, string> | undefined> {
  const text = await fs.readFile(path.join(directory, checksumFile), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Record<string, string>);
}

function checkShape(name: string, migration: Partial<Migration>): void {
  if (typeof migration.up !== 'function') throw new Error(`Migration "${name}" has no function "up"`);
  if (migration.down !== undefined && typeof migration.down !== 'function') {
    throw new Error(`Migration "${name}" has a "down" that is no function`);
  }
}

function loadModule(file: string): Migration {
  // The one place that loads code by a name known only at run time: a bundler cannot follow it, and must not.
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  return require(file) as Migration;
}
