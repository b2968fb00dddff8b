import path from 'node:path';
import { migrate, withDatabase } from '@rostrum/data-access';
import { nextVersion } from '@rostrum/data-access/schema-checks';
import { describeSchema } from '@rostrum/testing/schema-contract';
import { AuthApp } from './auth-app';

const schema = 'auth';
const addOnly = ['SELECT', 'INSERT'];

describeSchema({
  schema,
  directory: path.join(__dirname, '../migrations'),
  table: 'auth.users',
  exceptions: { audit_events: addOnly, audit_checkpoints: addOnly, audit_keys: addOnly },
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
