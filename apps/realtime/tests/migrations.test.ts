import path from 'node:path';
import { migrate, provisionDatabase, withClient } from '@rostrum/data-access';
import {
  auditPrivileges,
  forbiddenToApp,
  forbiddenToOwner,
  lintMigrations,
  nextVersion,
  runOldStatements,
} from '@rostrum/data-access/schema-checks';
import { createTestDatabase, waitFor, type TestDatabase } from '@rostrum/testing';
import { RealtimeApp, type Instance, type Person } from './realtime-app';

const schema = 'realtime';
const directory = path.join(__dirname, '../migrations');
const databases: TestDatabase[] = [];

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
    expect(await auditPrivileges({ adminUrl, service: schema })).toEqual([]);
    const attempt = { service: schema, table: 'realtime.notifications', foreignTable: 'neighbour.things' };
    expect(await forbiddenToApp({ ...attempt, url })).toEqual([]);
    expect(await forbiddenToOwner({ ...attempt, url: ownerUrl })).toEqual([]);
  });
});

describe('the service', () => {
  let app: RealtimeApp;
  let instance: Instance;

  beforeEach(async () => {
    app = await RealtimeApp.create();
    [instance] = await Promise.all([app.instance(), app.worker()]);
  });

  afterEach(() => app.stop());

  /** Somebody follows somebody, who reads of it: an event handled, a row written, a list read and marked. */
  const round = async (followee: Person) => {
    await app.follow(await app.person('grace'), followee);
    const path = '/api/v1/realtime/notifications';
    const read = async () => {
      const { status, json } = await instance.send(followee, `GET ${path}`);
      return status === 200 && (json.items as { id: string; read: boolean }[]).find((each) => !each.read);
    };
    const { id } = await waitFor(read, { what: 'a notification' });
    return (await instance.send(followee, `POST ${path}/read`, { ids: [id] })).status;
  };

  it('notices nothing when its tables become those of a next version, step by step', async () => {
    const ada = await app.person('ada');
    const answers = [await round(ada)];
    const source = await nextVersion(app.database.ownerUrl, schema);
    for (const to of Object.keys(source)) {
      const step = migrate(app.database.ownerUrl, { source, schema, to }, 'up');
      answers.push(await round(ada));
      expect((await step).ran).toEqual([to]);
      answers.push(await round(ada));
    }
    expect(new Set(answers)).toEqual(new Set([204]));
    expect(app.log.lines().filter(({ level }) => level === 'error')).toEqual([]);
  });
});
