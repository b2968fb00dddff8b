import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { waitFor } from '@rostrum/testing';
import { Redis } from 'ioredis';
import { Client } from 'pg';

interface Servers {
  postgresUrl: string;
  postgresPid: number;
  redisUrl: string;
  redisPid: number;
}

let dataDir: string;
let owner: ChildProcess | undefined;

beforeEach(() => {
  dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'rostrum servers-'));
});

afterEach(() => {
  owner?.kill('SIGKILL');
  fs.rmSync(dataDir, { recursive: true, force: true });
});

/** Starts them from a process of its own, which stops them when its standard input ends. */
async function start(): Promise<Servers> {
  const script = `
    import { startTestServers } from ${JSON.stringify(path.join(__dirname, 'servers.mjs'))};
    const { stop, ...facts } = await startTestServers();
    process.stdout.write(JSON.stringify(facts));
    process.stdin.resume().once('end', () => stop().then(() => process.exit(0)));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, ROSTRUM_DATA_DIR: dataDir },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  owner = child;
  const text = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (chunk) => resolve(String(chunk)));
    child.once('exit', (code) => reject(new Error(`exit code ${code}`)));
  });
  return JSON.parse(text) as Servers;
}

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

const allGone = (servers: Servers) =>
  waitFor(
    () =>
      !isAlive(servers.postgresPid) &&
      !isAlive(servers.redisPid) &&
      fs.readdirSync(path.join(dataDir, 'test')).length === 0,
    { what: 'the end of both servers and of their data' },
  );

it('are a PostgreSQL for many and without care for its data, and a Redis', async () => {
  const servers = await start();
  const client = new Client(servers.postgresUrl);
  await client.connect();
  const { rows } = await client.query(
    `select usesuper, current_setting('fsync') as fsync, current_setting('max_connections')::int as most
     from pg_user where usename = current_user`,
  );
  await client.end();
  expect(rows).toEqual([{ usesuper: true, fsync: 'off', most: 300 }]);
  const redis = new Redis(servers.redisUrl);
  expect(await redis.ping()).toBe('PONG');
  redis.disconnect();
});

it('end, with their data, when they are stopped', async () => {
  const servers = await start();
  owner?.stdin?.end();
  await allGone(servers);
});

it('end, with their data, when their user is killed', async () => {
  const servers = await start();
  owner?.kill('SIGKILL');
  await allGone(servers);
});

it('that lost even their keeper are ended by the next ones', async () => {
  const lost = await start();
  const [run = ''] = fs.readdirSync(path.join(dataDir, 'test'));
  const keeper = JSON.parse(fs.readFileSync(path.join(dataDir, 'test', run, 'owner.json'), 'utf8')) as {
    host: number;
  };
  process.kill(keeper.host, 'SIGKILL');
  await waitFor(() => !isAlive(keeper.host));
  owner?.kill('SIGKILL');
  expect([isAlive(lost.postgresPid), isAlive(lost.redisPid)]).toEqual([true, true]);

  const next = await start();

  await waitFor(() => !isAlive(lost.postgresPid) && !isAlive(lost.redisPid));
  expect(fs.existsSync(path.join(dataDir, 'test', run))).toBe(false);
  owner?.stdin?.end();
  await allGone(next);
});
