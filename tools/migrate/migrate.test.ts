import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { withClient } from '@rostrum/data-access';
import { createTestDatabase, startPostgresServer, waitFor, type OwnServer } from '@rostrum/testing';

const main = path.join(__dirname, 'main.mjs');
const scratch: string[] = [];

function temporary(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'rostrum migrate-'));
  scratch.push(folder);
  return folder;
}

afterAll(() => scratch.forEach((folder) => fs.rmSync(folder, { recursive: true, force: true })));

function run(args: string, environment: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args.split(' ').filter(Boolean)], {
    encoding: 'utf8',
    env: { ...process.env, ...environment },
  });
  return { code: status, stdout, stderr };
}

describe('with the data of npm start, which does not run', () => {
  const dataDir = temporary();
  const own = { ROSTRUM_DATA_DIR: dataDir, ROSTRUM_ENV_FILE: path.join(dataDir, 'none.env'), PORTS: 'free' };

  it('goes up, looks, tries and goes down, and leaves nothing running', () => {
    expect(run('posts status', own)).toMatchObject({ code: 2, stderr: '' });
    expect(run('posts up', own)).toMatchObject({ code: 0, stdout: expect.stringContaining('applied 2026') });
    expect(run('posts up', own)).toMatchObject({ code: 0, stdout: '"posts" is up to date\n' });
    expect(run('posts status', own).code).toBe(0);
    expect(run('posts down --all --dry-run', own).stdout).toContain('drop table follows, posts, profiles');
    expect(run('posts down --all', { ...own, ENVIRONMENT: 'production' }).code).toBe(64);
    expect(run('posts down --all', own)).toMatchObject({ code: 0 });
    const { stdout } = spawnSync('ps', ['-ww', '-eo', 'args='], { encoding: 'utf8' });
    expect(stdout.split('\n').filter((line) => line.includes(path.join(dataDir, 'postgres')))).toEqual([]);
    expect(fs.existsSync(path.join(dataDir, 'run/state.json'))).toBe(false);
  });

  it('looks at all services, and says by its exit code that something has not run', () => {
    const { code, stdout } = run('all status', own);
    expect(code).toBe(2);
    expect(stdout.match(/^(auth|posts|realtime):$/gm)).toEqual(['auth:', 'posts:', 'realtime:']);
  });

  it('ends when it is interrupted, and so does its server', async () => {
    const child = spawn(process.execPath, [main, 'posts', 'up'], {
      env: { ...process.env, ...own },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const postmaster = path.join(dataDir, 'run/state.json');
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    // It writes down what it has started before it does anything with it.
    const watcher = fs.watch(
      path.dirname(postmaster),
      () => fs.existsSync(postmaster) && child.kill('SIGINT'),
    );
    await ended;
    watcher.close();
    expect(fs.existsSync(postmaster)).toBe(false);
    expect(run('posts status', own).code).not.toBe(1);
  });
});

describe('the migrate.js of a service that is built', () => {
  const root = path.resolve(__dirname, '../..');
  let folder: string;
  let server: OwnServer;

  beforeAll(async () => {
    fs.mkdirSync(path.join(root, 'dist'), { recursive: true });
    // Where packages are found.
    folder = fs.mkdtempSync(path.join(root, 'dist/migrate-test-'));
    const build = path.join(root, 'tools/build/app.mjs');
    spawnSync(process.execPath, [build, 'apps/posts', '--out', folder], { stdio: 'inherit' });
    server = await startPostgresServer();
  });

  afterAll(async () => {
    await server.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  it('explains its sub-commands and its settings', () => {
    const { status, stdout } = spawnSync(process.execPath, [path.join(folder, 'migrate.js'), '--help'], {
      encoding: 'utf8',
    });
    expect(status).toBe(0);
    expect(stdout).toMatch(/Usage: migrate up\|down\|status[\s\S]+Examples:[\s\S]+DATABASE_MIGRATION_URL/);
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)(
    'leaves nothing half-done when %s ends it',
    async (signal) => {
      const own = await createTestDatabase('posts', { source: {} }, { adminUrl: server.url });
      const slow = path.join(folder, 'migrations/99990101000000-slow.js');
      fs.writeFileSync(
        slow,
        `exports.up = (knex) => knex.raw('create table half (id int); select pg_sleep(600)');`,
      );
      const child = spawn(process.execPath, [path.join(folder, 'migrate.js'), 'up'], {
        env: { ...process.env, DATABASE_MIGRATION_URL: own.ownerUrl },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let said = '';
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
      const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
      const ask = <T extends object>(sql: string) =>
        withClient(own.adminUrl, async (client) => (await client.query<T>(sql)).rows);
      const sleeping = `select from pg_stat_activity where state = 'active' and query like '%pg_sleep(600)'
                         and datname = current_database()`;
      await waitFor(async () => (await ask(sleeping)).length > 0, { timeoutMs: 30_000 });
      child.kill(signal);
      const code = await ended;
      if (signal !== 'SIGKILL') {
        expect(code).toBe(130);
        expect(said).toContain('Migration "99990101000000-slow" was interrupted');
      }
      // The server notices by itself that nobody waits for the answer any more.
      await waitFor(async () => (await ask(sleeping)).length === 0, { timeoutMs: 20_000 });
      expect(await ask(`select to_regclass('posts.half') as half`)).toEqual([{ half: null }]);
      const applied = await ask<{ name: string }>('select name from posts.schema_migrations');
      expect(applied.map(({ name }) => name)).toContain('20261120120000-create-posts');
      expect(applied.map(({ name }) => name)).not.toContain('99990101000000-slow');
      await own.drop();
    },
  );
});

it('works in the database of DATABASE_MIGRATION_URL, for one service', () => {
  const url = 'postgres://nobody:nothing@127.0.0.1:1/none';
  expect(run('posts up', { DATABASE_MIGRATION_URL: url })).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/^migrate up of "posts" failed: .*ECONNREFUSED/),
  });
  expect(run('all up', { DATABASE_MIGRATION_URL: url })).toMatchObject({
    code: 1,
    stderr: 'DATABASE_MIGRATION_URL is the login of one service. Name that service, or leave it out.\n',
  });
});

it('lints', () => {
  expect(run('lint posts')).toEqual({ code: 0, stdout: 'posts: nothing to complain about\n', stderr: '' });
});

describe('an old version', () => {
  it('is tested on the schema of today, in a checkout that is gone afterwards', () => {
    const { code, stdout } = run('test-old-version realtime --base HEAD --only notifications.test');
    expect(stdout).toMatch(/as of [0-9a-f]{7,}[\s\S]+realtime: works on the schema of today/);
    expect(code).toBe(0);
    const trees = spawnSync('git', ['worktree', 'list'], { cwd: __dirname, encoding: 'utf8' }).stdout;
    expect(trees).not.toContain('old-version-');
  });

  it('must be one that exists', () => {
    expect(run('test-old-version realtime --base nowhere')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Name a commit that is here with --base.'),
    });
  });
});

it('explains itself with examples', () => {
  expect(run('--help')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/Examples:\n {2}npm run migrate/),
  });
});

it.each([
  'posts',
  'posts sideways',
  'nobody up',
  'new posts',
  'lint posts auth',
  'up',
  'test-old-version a b',
])('refuses "%s" in one line', (args) => {
  const { code, stderr } = run(args);
  expect(code).toBe(1);
  expect(stderr.trim().split('\n')).toHaveLength(1);
});

describe('a new migration', () => {
  const create = (name: string, folder: string) => {
    const script = `import('${path.join(__dirname, 'new-migration.mjs')}').then((m) =>
      m.newMigration('posts', '${name}', { folder: ${JSON.stringify(folder)}, now: new Date('2026-05-04T03:02:01Z') }))`;
    return spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
  };

  it('is dated, and runs after all others', () => {
    const folder = temporary();
    create('add-language', folder);
    expect(fs.readdirSync(folder)).toEqual(['20260504030201-add-language.ts']);
    create('add-more', folder);
    expect(fs.readdirSync(folder).sort()).toEqual([
      '20260504030201-add-language.ts',
      '20260504030301-add-more.ts',
    ]);
    const text = fs.readFileSync(path.join(folder, '20260504030201-add-language.ts'), 'utf8');
    expect(text).toMatch(/export async function up[\s\S]+export async function down/);
  });

  it('has a name that says what it does', () => {
    const folder = temporary();
    expect(create('Add Language', folder).stderr).toContain('is no name for a migration');
    expect(fs.readdirSync(folder)).toEqual([]);
  });
});
