import net from 'node:net';
import { waitFor } from '@rostrum/testing';
import { Clone, type RunningCommand } from './clone';

const minute = 60_000;
jest.setTimeout(10 * minute);

let clone: Clone;
let start: RunningCommand;

beforeAll(() => {
  clone = new Clone();
});

afterAll(async () => {
  const left = clone.processes();
  if (left.length > 0 && start) {
    start.signal('SIGTERM');
    await start.exit;
  }
  clone.dispose();
});

async function signIn(): Promise<string> {
  const body = { identifier: 'ada', password: clone.read('.data/secrets/seed-password') };
  const { status, text } = await clone.ask('/api/v1/auth/login', { body });
  expect({ status, text }).toMatchObject({ status: 200 });
  return (JSON.parse(text) as { accessToken: string }).accessToken;
}

function connects(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

async function expectNothingLeft(ports: number[]) {
  expect(clone.processes()).toEqual([]);
  expect(await Promise.all(ports.map(connects))).toEqual(ports.map(() => false));
  expect(clone.has('.data/run/state.json')).toBe(false);
}

describe('npm start in a clone without node_modules', () => {
  it('installs, builds and starts everything, and ends with a table of it', async () => {
    expect(clone.has('node_modules')).toBe(false);
    start = clone.npmStart();
    await start.says(/Rostrum is up[^]*Ctrl-C/);
    expect(start.output).toMatch(/installing the packages of package-lock\.json/);
    for (const name of ['traefik', 'auth', 'posts', 'realtime', 'posts-worker', 'postgres', 'redis']) {
      expect(start.output).toContain(`.data/logs/${name}.log`);
      expect(clone.has(`.data/logs/${name}.log`)).toBe(true);
    }
    expect(start.output).toContain(clone.state().url);
  });

  it('serves the API, its reference and development data through the gateway', async () => {
    expect(await clone.ask('/api/v1/feed')).toMatchObject({ status: 401 });
    expect(await clone.ask('/docs')).toMatchObject({ status: 200 });
    const { status, text } = await clone.ask('/api/v1/feed', { token: await signIn() });
    expect(status).toBe(200);
    expect((JSON.parse(text) as { items: unknown[] }).items.length).toBeGreaterThan(0);
  });

  it('says so when it is started a second time', async () => {
    const second = clone.npmStart(['--no-build']);
    expect(await second.exit).toBe(1);
    expect(second.output).toContain(`already running (${clone.state().url})`);
  });

  it('brings back a process that died, and shows what it said last', async () => {
    const worker = clone.state().children.find(({ name }) => name === 'posts-worker');
    process.kill(worker?.pid ?? 0, 'SIGKILL');
    await start.says(/posts-worker died \(signal SIGKILL\)[^]*│[^]*posts-worker is back/);
    expect(clone.state().children.map(({ name }) => name)).toContain('posts-worker');
  });

  it('drains on Ctrl-C in order and leaves no process, no port and no changed file', async () => {
    const { ports } = clone.state();
    start.signal('SIGINT');
    expect([await start.exit, start.output]).toEqual([0, expect.stringMatching(/Stopped\.\s*$/)]);
    expect(start.output).toMatch(
      /services drained[^]*gateway stopped[^]*Redis stopped[^]*PostgreSQL stopped/,
    );
    await expectNothingLeft(Object.values(ports));
    expect(clone.changedFiles()).toBe('');
  });
});

describe('npm start again', () => {
  it('has the same data, and installs and seeds nothing', async () => {
    start = clone.npmStart(['--no-build']);
    await start.says(/Rostrum is up/);
    expect(start.output).not.toMatch(/installing|development data/);
    expect(await clone.ask('/api/v1/feed', { token: await signIn() })).toMatchObject({ status: 200 });
  });

  it('ends what a killed run left behind', async () => {
    const { pid, children } = clone.state();
    process.kill(pid, 'SIGKILL');
    await start.exit;
    start = clone.npmStart(['--no-build'], { SHUTDOWN_PROPAGATION_MS: '30000', SHUTDOWN_MAX_MS: '60000' });
    await start.says(/Rostrum is up/);
    expect(start.output).toMatch(/ending what an earlier run left behind: .*postgres/);
    const isAlive = (child: { pid: number }) => {
      try {
        return process.kill(child.pid, 0);
      } catch {
        return false;
      }
    };
    await waitFor(() => !children.some(isAlive), { timeoutMs: 10_000 });
  });

  it('lets the impatient end everything at once with a second Ctrl-C', async () => {
    const { ports } = clone.state();
    start.signal('SIGINT');
    await start.says(/Stopping \(Ctrl-C\)/);
    const pressing = setInterval(() => start.signal('SIGINT'), 50);
    await start.says(/Ending everything at once/).finally(() => clearInterval(pressing));
    expect(await start.exit).not.toBe(0);
    await expectNothingLeft(Object.values(ports));
  });
});
