import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { streams } from '@rostrum/contracts';
import { closeRedis, createNatsBus, createRedis, createRedisBus, type EventBus } from '@rostrum/data-access';
import { startNatsServer, startRedisServer, waitFor, type OwnServer } from '@rostrum/testing';

interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

interface Kind {
  name: string;
  start: () => Promise<OwnServer>;
  open: (url: string) => { bus: EventBus; close: () => Promise<void> };
  environment: (url: string) => Record<string, string>;
}

const kinds: Kind[] = [
  {
    name: 'Redis',
    start: () => startRedisServer(),
    open: (url) => {
      const redis = createRedis({ url });
      return { bus: createRedisBus({ redis }), close: () => closeRedis(redis) };
    },
    environment: (url) => ({ REDIS_URL: url }),
  },
  {
    name: 'NATS',
    start: () => startNatsServer(),
    open: (url) => {
      const bus = createNatsBus({ servers: [url] });
      return { bus, close: () => bus.close() };
    },
    environment: (url) => ({ EVENT_BUS: 'nats', NATS_URL: url }),
  },
];

let dataDir: string;

beforeEach(() => {
  dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'rostrum-letters-'));
});
afterEach(() => fs.rmSync(dataDir, { recursive: true, force: true }));

function run(args: string[], env: Record<string, string> = {}): Promise<Outcome> {
  const child = spawn(process.execPath, [path.join(__dirname, 'main.mjs'), ...args], {
    env: { PATH: process.env['PATH'], ROSTRUM_DATA_DIR: dataDir, ROSTRUM_ENV_FILE: '/nowhere', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
  });
  const outcome = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (outcome.stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (outcome.stderr += chunk));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...outcome })));
}

describe.each(kinds)('dead letters in $name', ({ start, open, environment }) => {
  let server: OwnServer;
  let bus: EventBus;
  let close: () => Promise<void>;
  let env: Record<string, string>;

  beforeEach(async () => {
    server = await start();
    ({ bus, close } = open(server.url));
    env = environment(server.url);
  });
  afterEach(async () => {
    await close();
    await server.stop();
  });

  /** Events that posts has given up. */
  async function bury(...names: string[]): Promise<void> {
    const events = names.map((name) => ({
      ...{ id: randomUUID(), type: `thing.${name}`, version: 1, key: `key-${name}` },
      occurredAt: new Date().toISOString(),
      payload: JSON.stringify({ secret: `payload of ${name}` }),
    }));
    await bus.publish(streams.auth, events);
    const partitions = Array.from({ length: bus.partitions }, (_, partition) => partition);
    const member = bus.join({ stream: streams.auth, group: 'posts', member: 'test' });
    partitions.forEach((partition) => member.take(partition));
    let buried = 0;
    await waitFor(async () => {
      for (const delivery of await member.fetch({ partitions, max: 1, waitMs: 50 })) {
        await member.bury(delivery, { reason: 'TypeError', attempts: 5 });
        buried += 1;
      }
      return buried === names.length;
    });
    await member.close();
  }

  const letters = () => bus.deadLetters(streams.auth, 'posts');
  const lines = (text: string) => text.trim().split('\n');
  const auditLog = () => fs.readFileSync(path.join(dataDir, 'logs/dead-letters-audit.log'), 'utf8');

  it('are listed, shown, replayed and discarded, and who did so is on record', async () => {
    expect(await run(['list', '--service', 'posts'], env)).toMatchObject({
      code: 0,
      stdout: 'posts has no dead letters.\n',
    });
    await bury('one', 'two', 'three');
    const ids = new Map((await letters().list()).map(({ id, event }) => [event?.type, id]));
    const [one = '', two = ''] = [ids.get('thing.one'), ids.get('thing.two')];

    const list = await run(['list', '--service', 'posts'], env);
    expect(list.code).toBe(0);
    expect(lines(list.stdout)[0]).toMatch(/^ID +FROM +TYPE +KEY +REASON +TRIES +GIVEN UP AT$/);
    expect(list.stdout).toMatch(/ auth +thing\.one +key-one +TypeError +5 +\d{4}-/);
    expect(list.stdout).toContain('3 of 3 dead letters of posts');
    expect(list.stdout).not.toContain('payload of');

    const show = await run(['show', '--service', 'posts', '--id', one], env);
    expect(show.code).toBe(0);
    expect(JSON.parse(show.stdout)).toMatchObject({
      id: one,
      from: 'auth',
      event: { type: 'thing.one', payload: { secret: 'payload of one' } },
    });

    const replay = await run(['replay', '--service', 'posts', '--id', one, '--by', 'ada'], env);
    expect(replay).toMatchObject({ code: 0, stdout: '1 replayed\n' });
    const discard = await run(['discard', '--service', 'posts', '--id', two], env);
    expect(discard).toMatchObject({ code: 0, stdout: '1 discarded\n' });
    expect((await letters().list()).map(({ event }) => event?.type)).toEqual(['thing.three']);
    expect(await bus.lag(streams.auth, 'posts')).toBe(1);
    const record = lines(auditLog()).map((line) => JSON.parse(line) as object);
    expect(record).toMatchObject([
      { message: 'Dead letter: replay', by: 'ada', dead_letter: one, event_type: 'thing.one', audit: true },
      { message: 'Dead letter: discard', dead_letter: two, by: os.userInfo().username },
    ]);
    expect(replay.stderr).toContain('"audit":true');
    expect(auditLog()).not.toContain('payload of');
  });

  it('are replayed all together, or those of one type', async () => {
    await bury('one', 'two', 'two');
    const some = await run(['replay', '--service', 'posts', '--all', '--type', 'thing.two'], env);
    expect(some).toMatchObject({ code: 0, stdout: '2 replayed\n' });
    const json = await run(['list', '--service', 'posts', '--json'], env);
    expect(JSON.parse(json.stdout)).toMatchObject([{ from: 'auth', event: { type: 'thing.one' } }]);
    const rest = await run(['discard', '--service', 'posts', '--all', '--yes'], env);
    expect(rest).toMatchObject({ code: 0, stdout: '1 discarded\n' });
    expect(await letters().count()).toBe(0);
  });

  it('that are not there are told so, and the others are done', async () => {
    await bury('one');
    const [letter] = await letters().list();
    const outcome = await run(
      ['replay', '--service', 'posts', '--id', '12345', '--id', letter?.id ?? ''],
      env,
    );
    expect(outcome.code).toBe(2);
    expect(outcome.stdout).toContain('posts has no dead letter 12345.');
    expect(outcome.stdout).toContain('1 replayed');
    expect((await run(['show', '--service', 'realtime', '--id', '12345'], env)).code).toBe(2);
  });

  it('cannot be asked for while nobody is there to answer', async () => {
    await server.kill();
    const outcome = await run(['list', '--service', 'posts'], env);
    expect(outcome.code).toBe(1);
    expect(outcome.stdout).toContain('The event bus does not answer');
    await server.restart();
  });
});

it('says how it is used', async () => {
  const { code, stdout } = await run(['--help']);
  expect(code).toBe(0);
  expect(stdout).toContain('npm run dead-letters -- <command> --service <name>');
  expect(stdout).toContain('dead-letters-audit.log');
});

it.each([
  [[], /The command must be one of/],
  [['forget', '--service', 'posts'], /The command must be one of/],
  [['list'], /--service must be one of/],
  [['list', '--service', 'payments'], /--service must be one of/],
  [['list', '--service', 'posts', '--from', 'x'], /--from must be one of/],
  [['list', '--service', 'posts', '--id', '1-0'], /list takes neither/],
  [['show', '--service', 'posts'], /show needs either --id or --all/],
  [['show', '--service', 'posts', '--all'], /show needs --id/],
  [['replay', '--service', 'posts'], /replay needs either --id or --all/],
  [['replay', '--service', 'posts', '--all', '--id', '1-0'], /either/],
  [['discard', '--service', 'posts', '--all'], /say --yes too/],
  [['list', '--service', 'posts', '--limit', 'x'], /whole number/],
  [['list', '--service', 'posts', '--what'], /--what/],
])('refuses %j', async (args, message) => {
  const { code, stderr } = await run(args);
  expect(code).toBe(64);
  expect(stderr).toMatch(message);
});

it('says what is missing where it cannot know the bus', async () => {
  const { code, stdout } = await run(['list', '--service', 'posts']);
  expect(code).toBe(1);
  expect(stdout).toContain('REDIS_URL');
});
