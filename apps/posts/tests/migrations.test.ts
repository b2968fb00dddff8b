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
import { createTestDatabase, type TestDatabase } from '@rostrum/testing';
import { PostsApp, type Caller } from './posts-app';

const schema = 'posts';
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
    const attempt = { service: schema, table: 'posts.posts', foreignTable: 'neighbour.things' };
    expect(await forbiddenToApp({ ...attempt, url })).toEqual([]);
    expect(await forbiddenToOwner({ ...attempt, url: ownerUrl })).toEqual([]);
  });
});

describe('the service', () => {
  let app: PostsApp;

  beforeEach(async () => {
    app = await PostsApp.start();
  });

  afterEach(() => app.stop());

  /** What people do, one thing after the other. */
  const round = async (one: Caller, other: Caller) => {
    const { id } = await one.post('hello');
    return [
      (await other.follow(one.username)).status,
      (await other.get(`/api/v1/posts/${id}`)).status,
      (await other.get('/api/v1/feed')).status,
      (await one.get(`/api/v1/users/${one.username}`)).status,
      (await one.send('PUT', `/api/v1/posts/${id}`, { body: '{"text":"bye"}' })).status,
      (await other.unfollow(one.username)).status,
    ].filter((status) => status >= 500);
  };

  it('notices nothing when its tables become those of a next version, step by step', async () => {
    const [one, other] = [await app.person('ada'), await app.person('eve')];
    const failures = await round(one, other);
    const source = await nextVersion(app.database.ownerUrl, schema);
    for (const to of Object.keys(source)) {
      const step = migrate(app.database.ownerUrl, { source, schema, to }, 'up');
      failures.push(...(await round(one, other)));
      expect((await step).ran).toEqual([to]);
      failures.push(...(await round(one, other)));
    }
    expect(failures).toEqual([]);
  });
});
