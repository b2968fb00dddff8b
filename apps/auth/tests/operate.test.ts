import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { operateSettings } from '../src/config';
import { runOperation } from '../src/operations/run-operation';
import { AuthApp, newMasterKey, type Person } from './auth-app';

let app: AuthApp;
let folder: string;

beforeAll(async () => {
  app = await AuthApp.start({ settings: { JWKS_MAX_AGE: '1' } });
  folder = mkdtempSync(path.join(tmpdir(), 'auth operate-'));
});
afterAll(async () => {
  await app.stop();
  rmSync(folder, { recursive: true });
});

/** Runs a command as its process would. */
async function operate(command: string, environment: Record<string, string> = {}) {
  const lines: string[] = [];
  const code = await runOperation({
    spec: operateSettings,
    environment: { ...app.environment, ...environment },
    args: command.match(/"[^"]*"|\S+/g)?.map((word) => word.replaceAll('"', '')) ?? [],
    write: (line) => lines.push(line),
  });
  return { code, lines, text: lines.join('\n') };
}
const me = (token: string) => app.get('/api/v1/auth/me', { token });
const ownerUrl = () => {
  const url = new URL(String(app.environment.DATABASE_URL));
  url.username = `${url.username}_owner`;
  url.password = `${url.username}_test`;
  return url.href;
};

describe('what is typed', () => {
  it.each([
    ['', 64, /^Usage/],
    ['--help', 0, /keys revoke <kid>/],
    ['keys', 64, /does not know "keys"/],
    ['keys toString', 64, /does not know/],
    ['constructor keys', 64, /does not know/],
    ['keys list more', 64, /takes no words/],
    ['keys revoke', 64, /takes <kid>/],
    ['admin grant ada', 64, /takes <user> <role>/],
    ['admin grant ada root', 64, /neither moderator nor admin/],
    ['audit prune', 64, /--older-than/],
    ['audit prune --older-than forever', 64, /not a time such as 400d/],
    ['audit verify --wrong', 64, /--wrong/],
  ])('%j ends with %d', async (command, code, said) => {
    const outcome = await operate(command);
    expect([outcome.code, outcome.text]).toEqual([code, expect.stringMatching(said)]);
  });

  it('settings that are wrong are told all at once', async () => {
    const { code, text } = await operate('keys list', { KMS_MASTER_KEY: '', AUTH_SECRET: 'x' });
    expect(code).toBe(1);
    expect(text).toMatch(/AUTH_SECRET/);
    expect(text).toMatch(/KMS_PROVIDER=local needs KMS_MASTER_KEY/);
  });

  it('a database that is not there is one line', async () => {
    const { code, lines } = await operate('keys list', {
      DATABASE_URL: 'postgres://x:hunter2@127.0.0.1:1/x',
    });
    expect([code, lines.length]).toEqual([1, 1]);
    expect(lines[0]).not.toContain('hunter2');
  });
});

describe('admin', () => {
  let ada: Person;

  beforeAll(async () => {
    ada = await app.person();
  });

  it('makes the first admin, and the last one stays', async () => {
    const { refreshToken, accessToken } = await app.signIn(ada);
    expect((await me(accessToken)).json.roles).toEqual(['user']);
    expect(await operate(`admin grant ${ada.username} admin`)).toMatchObject({
      code: 0,
      lines: [`${ada.username}: user, admin`],
    });
    await app.until(async () => (await me(accessToken)).status === 401, 'the old token to be refused');
    const { json } = await app.refresh(refreshToken);
    await app.until(
      async () => (await me(json.accessToken)).json.roles?.includes('admin'),
      'the account to say it',
    );
    expect((await app.get('/api/v1/auth/admin/users', { token: json.accessToken })).status).toBe(200);
    expect((await operate('admin list')).text).toMatch(new RegExp(`${ada.id}  ${ada.username}  user,admin`));
    expect(await operate(`admin take ${ada.id} admin`)).toMatchObject({
      code: 1,
      text: expect.stringMatching(/^LAST_ADMIN/),
    });
    const [event] = await app.rows<{ body: string }>(
      `select body from auth.audit_events where action = 'role.granted' and subject_id = $1`,
      [ada.id],
    );
    expect(JSON.parse(String(event?.body)).actor).toEqual({
      kind: 'operator',
      name: expect.stringMatching(/^.+@.+$/),
    });
  });

  it('suspends, restores and ends sessions; running processes hear of it', async () => {
    const eve = await app.person();
    const token = await app.tokenOf(eve);
    expect((await operate(`admin suspend ${eve.username} --reason "sends spam"`)).text).toMatch(
      /suspended since/,
    );
    await app.until(async () => (await me(token)).status === 401, 'the token to be refused');
    expect((await app.login(eve.username, eve.password)).status).toBe(403);
    expect((await operate(`admin restore ${eve.username}`)).code).toBe(0);
    const again = await app.tokenOf(eve);
    expect((await operate(`admin end-sessions ${eve.username}`)).text).toBe('1 sessions are over.');
    await app.until(async () => (await me(again)).status === 401, 'the token to be refused');
    expect(await operate('admin restore nobody_there')).toMatchObject({
      code: 1,
      text: expect.stringMatching(/^NOT_FOUND/),
    });
  });
});

describe('keys', () => {
  it('are listed, rotated and revoked', async () => {
    const ada = await app.person();
    const token = await app.tokenOf(ada);
    const [, ...rows] = (await operate('keys list')).lines;
    expect(rows.map((row) => row.split(/\s+/)[1])).toEqual(['signing', 'waiting']);
    const [old, next] = rows.map((row) => row.split(/\s+/)[0]);
    expect((await operate('keys rotate')).text).toMatch(new RegExp(`^${next} signs from `));
    const header = (text: string) =>
      JSON.parse(Buffer.from(String(text.split('.')[0]), 'base64url').toString()) as { kid: string };
    await app.until(async () => header(await app.tokenOf(ada)).kid === next, 'the next key to sign');
    expect((await me(token)).status).toBe(200);
    expect((await operate(`keys revoke ${old} --reason leaked`)).code).toBe(0);
    await app.until(async () => (await me(token)).status === 401, 'the old key to be refused');
  });

  it('what is in the database goes under a new data key while the service runs', async () => {
    const ada = await app.person();
    await app.tokenOf(ada);
    const before = await dataKeysInUse(app);
    expect(before).toHaveLength(1);
    expect((await operate('keys rotate-data-key')).code).toBe(0);
    const resealed = await operate('keys reseal');
    expect(resealed.text).toMatch(/^user_keys\.sealed_key: [1-9]\d* sealed anew$/m);
    expect(await dataKeysInUse(app)).toHaveLength(1);
    expect(await dataKeysInUse(app)).not.toEqual(before);
    expect((await operate('keys reseal')).text).toMatch(/^user_keys\.sealed_key: 0 /m);
    expect((await me(await app.tokenOf(ada))).json.email).toBe(ada.email);
  });
});

it('the master key changes in three steps, each beside the service: both keys everywhere, rewrap, the new one alone', async () => {
  const old = await AuthApp.start();
  const ada = await old.person();
  const newest = newMasterKey('2');
  const both = { KMS_MASTER_KEY: `${old.environment.KMS_MASTER_KEY}\n${newest}` };
  const between = await old.second(both);
  const rewrapped = await operate('keys rewrap', { ...old.environment, ...both });
  expect(rewrapped.text).toBe('1 data keys are wrapped by the newest master key.');
  const masters = await old.rows('select distinct master_key_id as id from auth.data_keys');
  expect(masters).toEqual([{ id: '2' }]);
  const after = await old.second({ KMS_MASTER_KEY: newest });
  for (const each of [old, between, after]) {
    expect((await each.get('/api/v1/auth/me', { token: await each.tokenOf(ada) })).json.email).toBe(
      ada.email,
    );
  }
  const { KMS_MASTER_KEY: oldOnly } = old.environment;
  expect(
    (await operate('audit checkpoint', { ...old.environment, KMS_MASTER_KEY: String(oldOnly) })).code,
  ).toBe(1);
  expect(await operate('audit verify', { ...old.environment, KMS_MASTER_KEY: newest })).toMatchObject({
    code: 0,
  });
  await old.stop();
});

const dataKeysInUse = async (of: AuthApp) =>
  (
    await of.rows<{ id: string }>(
      `select distinct encode(substring(sealed_key from 2 for 16), 'hex') as id from auth.user_keys
       union select encode(substring(sealed_private_key from 2 for 16), 'hex') from auth.signing_keys
        where sealed_private_key is not null`,
    )
  ).map(({ id }) => id);

describe('the audit log', () => {
  it('is signed, verified by anchors, exported and verified from the file', async () => {
    const made = await operate('audit checkpoint');
    const anchor = JSON.parse(String(made.lines[0])) as { position: number; checkpoint_hash: string };
    const log = path.join(folder, 'worker.log');
    writeFileSync(log, `no json\n{"msg":"other"}\n${JSON.stringify({ level: 'info', ...anchor })}\n`);
    expect(await operate(`audit verify --anchors "${log}"`)).toMatchObject({
      code: 0,
      text: expect.stringMatching(/The log is intact/),
    });

    const file = path.join(folder, 'audit.jsonl');
    expect(await operate(`audit export --out "${file}"`)).toMatchObject({ code: 0, text: '' });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const text = readFileSync(file, 'utf8');
    expect(text).not.toMatch(/127\.0\.0\.1/);
    const { id } = JSON.parse(String(text.split('\n')[0])) as { id: string };
    expect((await operate(`audit verify --file "${file}" --key ${id}`)).code).toBe(0);
    writeFileSync(file, text.replace('session.started', 'session.vanished'));
    expect(await operate(`audit verify --file "${file}" --key ${id}`)).toMatchObject({
      code: 1,
      text: expect.stringMatching(/TAMPERED/),
    });
    expect((await operate('audit export --reveal')).text).toMatch(
      /"revealed":\{"from":\{"address":"127\.0\.0\.1"/,
    );
  });

  it('old events are removed with the login of the owner alone', async () => {
    expect(await operate('audit prune --older-than 0d')).toMatchObject({
      code: 64,
      text: expect.stringMatching(/DATABASE_MIGRATION_URL/),
    });
    const owner = { DATABASE_MIGRATION_URL: ownerUrl() };
    expect((await operate('audit prune --older-than 1d', owner)).text).toMatch(/^0 events/);
    expect((await operate('audit prune --older-than 0d', owner)).text).toMatch(/^[1-9]\d* events/);
    expect(await operate('audit verify')).toMatchObject({ code: 0 });
  });

  it('tampering is told by the exit code', async () => {
    await app.person();
    await app.rows('alter table auth.audit_events disable trigger user');
    await app.rows(
      `delete from auth.audit_events where (chain, seq) in (select chain, max(seq) from auth.audit_events group by chain)`,
    );
    await app.rows('alter table auth.audit_events enable trigger user');
    const { code, text } = await operate('audit verify');
    expect([code, text]).toEqual([1, expect.stringMatching(/TAMPERED: .*end of chain removed/)]);
  });
});
