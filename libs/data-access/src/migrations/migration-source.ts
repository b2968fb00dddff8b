import fs from 'node:fs/promises';
import path from 'node:path';
import type { Knex } from 'knex';

export interface Migration {
  up(knex: Knex): Promise<unknown>;
  /** Left out where there is no way back. */
  down?(knex: Knex): Promise<unknown>;
  config?: { transaction?: boolean };
}

/** Migrations by name; names sort in the order in which they are to run (`20261120120000-create-posts`). */
export type MigrationMap = Readonly<Record<string, Migration>>;

/** Where a service's migrations are: a folder of modules (`.js`, or `.ts` where the runtime takes it), or in memory. */
export type MigrationLocation =
  { directory: string; source?: undefined } | { source: MigrationMap; directory?: undefined };

export async function loadMigrations(location: MigrationLocation): Promise<MigrationMap> {
  if (location.source) return location.source;
  const directory = path.resolve(location.directory);
  const files = (await fs.readdir(directory)).filter(isMigrationFile).sort();
  return Object.fromEntries(
    files.map((file) => [file.replace(/\.[^.]+$/, ''), loadModule(path.join(directory, file))]),
  );
}

/** Names are kept without the extension: what tests load as TypeScript, production loads compiled. */
export function isMigrationFile(file: string): boolean {
  return /\.(?:js|cjs|ts)$/.test(file) && !/\.(?:d|test)\.ts$/.test(file);
}

export function toKnexSource(migrations: MigrationMap): Knex.MigrationSource<string> {
  return {
    getMigrations: () => Promise.resolve(Object.keys(migrations).sort()),
    getMigrationName: (name) => name,
    getMigration: (name) => Promise.resolve(toKnexMigration(name, migrations)),
  };
}

/** knex reads `config` from a migration, but its types do not say so. */
type KnexMigration = Knex.Migration & { config: { transaction?: boolean } };

function toKnexMigration(name: string, migrations: MigrationMap): KnexMigration {
  const migration = migrations[name];
  if (typeof migration?.up !== 'function') throw new Error(`Migration "${name}" has no function "up"`);
  return {
    config: migration.config ?? {},
    up: async (knex) => void (await migration.up(knex)),
    down: async (knex) => {
      if (!migration.down) throw new Error(`Migration "${name}" has no way back`);
      await migration.down(knex);
    },
  };
}

function loadModule(file: string): Migration {
  // The one place that loads code by a name known only at run time: a bundler cannot follow it, and must not.
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  return require(file) as Migration;
}
