import { provisionDatabase, withClient } from '@rostrum/data-access';
import {
  auditPrivileges,
  forbiddenToApp,
  forbiddenToOwner,
  lintMigrations,
  runOldStatements,
} from '@rostrum/data-access/schema-checks';
import { createTestDatabase, type TestDatabase } from './test-database';

/** They grow with each migration, and the machine may be busy with others. */
const migrationsMs = 300_000;

export interface SchemaContract {
  schema: string;
  /** Where its migrations are. */
  directory: string;
  /** A table of it, with its schema, on which others are seen to have no rights. */
  table: string;
  /** Tables on which the service may do less than read and write rows. */
  exceptions?: Readonly<Record<string, string[]>>;
}

/**
 * What holds for every service's schema: its migrations hurt nothing that runs beside them, and its roles may do what the
 * service needs and nothing else. Imported by itself: it says `describe`.
 */
export function describeSchema({ schema, directory, table, exceptions }: SchemaContract): void {
  const databases: TestDatabase[] = [];
  const database = async (migrations: Parameters<typeof createTestDatabase>[1]) => {
    const made = await createTestDatabase(schema, migrations);
    databases.push(made);
    return made;
  };

  afterEach(() => Promise.all(databases.splice(0).map((each) => each.drop())));

  describe('the migrations', () => {
    it(
      'hurt nothing that runs beside them, and can be taken back',
      async () => {
        const { ownerUrl } = await database({ source: {} });
        expect(await lintMigrations(ownerUrl, { directory, schema })).toEqual([]);
      },
      migrationsMs,
    );

    it(
      'keep the statements of the version before going, one after the other',
      async () => {
        const [rehearsal, real] = [await database({ source: {} }), await database({ source: {} })];
        const reports = await runOldStatements({ rehearsal, real }, { directory, schema });
        expect(reports.flatMap(({ migration, errors }) => errors.map((error) => [migration, error]))).toEqual(
          [],
        );
      },
      migrationsMs,
    );
  });

  describe('the roles', () => {
    it('may do what the service needs, and nothing else', async () => {
      const { url, ownerUrl, adminUrl, name } = await database(directory);
      const services = [{ name: 'neighbour', ownerPassword: 'owner', appPassword: 'app' }];
      await provisionDatabase(adminUrl, { database: name, services });
      await withClient(adminUrl, (client) => client.query('create table neighbour.things (id int)'));
      const audit = { adminUrl, service: schema, ...(exceptions && { exceptions }) };
      expect(await auditPrivileges(audit)).toEqual([]);
      const attempt = { service: schema, table, foreignTable: 'neighbour.things' };
      expect(await forbiddenToApp({ ...attempt, url })).toEqual([]);
      expect(await forbiddenToOwner({ ...attempt, url: ownerUrl })).toEqual([]);
    });
  });
}
