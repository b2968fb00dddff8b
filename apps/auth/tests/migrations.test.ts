import path from 'node:path';
import { migrate, provisionDatabase, withClient, withDatabase } from '@rostrum/data-access';
import {
  auditPrivileges,
  forbiddenToApp,
  forbiddenToOwner,
  lintMigrations,
  nextVersion,
  runOldStatements,
} from '@rostrum/data-access/schema-checks';
import { createTestDatabase, type TestDatabase } from '@rostrum/testing';
import { AuthApp } from './auth-app';

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

describe('the service', () => {
  let app: AuthApp;
  let adminUrl: string;

  beforeEach(async () => {
    app = await AuthApp.start({
      through: ({ databaseUrl }) => {
        const name = new URL(databaseUrl).pathname.slice(1);
        adminUrl = withDatabase(process.env['TEST_POSTGRES_URL'] as string, name);
        return Promise.resolve({});
      },
    });
  });

  afterEach(() => app.stop());

  /** Somebody comes, signs in, stays and leaves. */
  const round = async () => {
    const person = await app.person();
    const { refreshToken } = await app.signIn(person);
    const { json, status } = await app.refresh(refreshToken);
    const token = json.accessToken as string;
    return [
      status,
      (await app.get('/api/v1/auth/me', { token })).status,
      (await app.get('/api/v1/auth/sessions', { token })).status,
      (await app.post('/api/v1/auth/logout', {}, { token })).status,
    ].join();
  };

  it('notices nothing when its tables become those of a next version, step by step', async () => {
    const answers = [await round()];
    const source = await nextVersion(adminUrl, schema);
    for (const to of Object.keys(source)) {
      const step = migrate(adminUrl, { source, schema, to }, 'up');
      answers.push(await round());
      expect((await step).ran).toEqual([to]);
      answers.push(await round());
    }
    expect([...new Set(answers)]).toEqual(['200,200,200,204']);
    expect(app.log.lines().filter(({ level }) => level === 'error')).toEqual([]);
  });
});
