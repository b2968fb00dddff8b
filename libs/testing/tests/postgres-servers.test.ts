import { withClient } from '@rostrum/data-access';
import {
  createTestDatabase,
  startPgBouncer,
  startPostgresReplica,
  startPostgresServer,
  waitFor,
  type OwnServer,
} from '../src';

let primary: OwnServer;

beforeAll(async () => {
  primary = await startPostgresServer({ settings: { work_mem: '3MB' } });
});

afterAll(() => primary.stop());

const firstValue = (url: string, text: string) =>
  withClient(url, async (client) => {
    const { rows } = await client.query<Record<string, unknown>>(text);
    return Object.values(rows[0] ?? {})[0];
  });

it('a server has the settings that it was given', async () => {
  expect(await firstValue(primary.url, 'show work_mem')).toBe('3MB');
});

it('a replica has what its primary had and gets what comes, takes no writes, and can be frozen, killed and brought back', async () => {
  await firstValue(primary.url, `create table kept as select 'before' as word`);
  const replica = await startPostgresReplica(primary);
  expect(await firstValue(replica.url, 'select word from kept')).toBe('before');
  await firstValue(primary.url, `update kept set word = 'after'`);
  const caughtUp = async () => (await firstValue(replica.url, 'select word from kept')) === 'after';
  await waitFor(caughtUp, { what: 'the change on the replica' });
  await expect(firstValue(replica.url, 'delete from kept')).rejects.toMatchObject({ code: '25006' });
  await replica.pause();
  await replica.resume();
  await replica.restart();
  await waitFor(caughtUp, { what: 'the replica after a restart' });
  await replica.stop();
});

it('a pooler leads to the same databases, as whoever logs in', async () => {
  const own = await createTestDatabase('alpha', { source: {} }, { adminUrl: primary.url });
  const pooler = await startPgBouncer({ target: primary.url, logins: [own.url], poolSize: 1 });
  expect(await firstValue(pooler.urlFor(own.url), 'select current_user')).toBe('rostrum_alpha');
  expect(await firstValue(pooler.urlFor(own.adminUrl), 'select current_database()')).toBe(own.name);
  // One server process serves two clients by turns.
  await withClient(pooler.urlFor(own.url), async (one) => {
    const pid = async () => firstValue(pooler.urlFor(own.url), 'select pg_backend_pid()');
    const { rows } = await one.query<{ pid: number }>('select pg_backend_pid() as pid');
    expect(await pid()).toBe(rows[0]?.pid);
  });
  await pooler.restart();
  expect(await firstValue(pooler.urlFor(own.url), 'select 1')).toBe(1);
  await pooler.stop();
});
