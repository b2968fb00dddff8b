import path from 'node:path';
import { provisionDatabase, withClient } from '@rostrum/data-access';
import {
  auditPrivileges,
  forbiddenToApp,
  forbiddenToOwner,
  lintMigrations,
  runOldStatements,
} from '@rostrum/data-access/schema-checks';
import { createTestDatabase, type TestDatabase } from '@rostrum/testing';

const schema = 'auth';
const directory = path.join(__dirname, '../migrations');
const databases: TestDatabase[] = [];

const addOnly = ['SELECT', 'INSERT'];
const exceptions = { audit_events: addOnly, audit_checkpoints: addOnly, audit_keys: addOnly };

async function database(migrations: Parameters<typeof createTestDatabase>[1]): Promise<TestDatabase> {
  const made = await createTestDatabase(schema, migrations);
  databases.push(made);
  return made;
}

afterEach(() => Promise.all(databases.splice(0).map((each) => each.drop())));

describe('the migrations', () => {
  it('hurt nothing that runs beside them, and can be taken back', async () => {
    const { ownerUrl } = await database({ source: {} });
    expect(await lintMigrations(ownerUrl, { directory, schema })).toEqual([]);
  });

  it('keep the statements of the version before going, one after the other', async () => {
    const [rehearsal, real] = [await database({ source: {} }), await database({ source: {} })];
    const reports = await runOldStatements({ rehearsal, real }, { directory, schema });
    expect(reports.flatMap(({ migration, errors }) => errors.map((error) => [migration, error]))).toEqual([]);
  });
});

describe('the roles', () => {
  it('may do what the service needs, and nothing else', async () => {
    const { url, ownerUrl, adminUrl, name } = await database(directory);
    const services = [{ name: 'neighbour', ownerPassword: 'owner', appPassword: 'app' }];
    await provisionDatabase(adminUrl, { database: name, services });
    await withClient(adminUrl, (client) => client.query('create table neighbour.things (id int)'));
    expect(await auditPrivileges({ adminUrl, service: schema, exceptions })).toEqual([]);
    const attempt = { service: schema, table: 'auth.users', foreignTable: 'neighbour.things' };
    expect(await forbiddenToApp({ ...attempt, url })).toEqual([]);
    expect(await forbiddenToOwner({ ...attempt, url: ownerUrl })).toEqual([]);
  });
});
