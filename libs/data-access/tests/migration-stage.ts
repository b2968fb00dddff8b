import { createTestDatabase, type TestDatabase } from '@rostrum/testing';
import { migrate, withClient, type MigrateOptions, type MigrationMap } from '../src';

export const first: MigrationMap = {
  '1-create': {
    up: (knex) => knex.schema.createTable('one', (table) => table.increments()),
    down: (knex) => knex.schema.dropTable('one'),
  },
};
export const second: MigrationMap = {
  ...first,
  '2-extend': {
    up: (knex) => knex.schema.alterTable('one', (table) => table.text('name')),
    down: (knex) => knex.schema.alterTable('one', (table) => table.dropColumn('name')),
  },
};
export const third: MigrationMap = {
  ...second,
  '3-more': {
    up: (knex) => knex.raw('create table more (id int)'),
    down: (knex) => knex.raw('drop table more'),
  },
};

type Options = Partial<MigrateOptions>;

/** An empty database of a service's, and what is done to it by its owner. */
export class MigrationStage {
  private constructor(readonly own: TestDatabase) {}

  static async open(): Promise<MigrationStage> {
    return new MigrationStage(await createTestDatabase('alpha', { source: {} }));
  }

  up(source: MigrationMap, more: Options = {}) {
    return this.run(source, 'up', more);
  }

  down(source: MigrationMap, more: Options = {}) {
    return this.run(source, 'down', more);
  }

  status(source: MigrationMap) {
    return this.run(source, 'status');
  }

  asOwner<T extends object>(sql: string): Promise<T[]> {
    return withClient(this.own.ownerUrl, async (client) => (await client.query<T>(sql)).rows);
  }

  async columns(): Promise<string[]> {
    const rows = await this.asOwner<{ name: string }>(
      `select table_name || '.' || column_name as name from information_schema.columns
        where table_schema = 'alpha' and table_name <> 'schema_migrations' order by 1`,
    );
    return rows.map(({ name }) => name);
  }

  close(): Promise<void> {
    return this.own.drop();
  }

  private run(source: MigrationMap, what: 'up' | 'down' | 'status', more: Options = {}) {
    return migrate(this.own.ownerUrl, { source, schema: 'alpha', ...more } as MigrateOptions, what);
  }
}
