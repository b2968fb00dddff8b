import fs from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import { StartCommand } from './start-command';

let command: StartCommand;

beforeEach(() => {
  command = new StartCommand();
});

afterEach(() => command.dispose());

/** Refused in one line, before anything was started. */
function expectRefusal({ code, stderr }: { code: number | null; stderr: string }, line: RegExp) {
  expect(stderr.trim()).toMatch(line);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(code).toBe(1);
  expect(command.processes()).toEqual([]);
  expect(fs.existsSync(path.join(command.dataDir, 'run/state.json'))).toBe(false);
}

describe('wrong settings', () => {
  it('are all named in one line', async () => {
    const env = {
      AUTH_PORT: 'many',
      POSTS_PORT: '70000',
      DATABASE_URL: 'mysql://u:hidden@h/d',
      REDIS_URL: 'nowhere',
    };
    const outcome = await command.run('main', [], env);
    expectRefusal(outcome, /AUTH_PORT .*"many".*POSTS_PORT .*DATABASE_URL.*REDIS_URL.*Correct \.env/);
    expect(outcome.stderr).not.toContain('hidden');
  });

  it('say which two ports are the same', async () => {
    const outcome = await command.run('main', [], { AUTH_PORT: '18080', POSTS_PORT: '18080' });
    expectRefusal(outcome, /POSTS_PORT and AUTH_PORT are both 18080/);
  });

  it('include lines of .env that cannot be read, by number', async () => {
    const file = path.join(command.dataDir, '.env');
    fs.writeFileSync(
      file,
      '# fine\nLOG_LEVEL=debug\nthis is no setting\nexport NAME="a b" # fine\nOPEN="quote\n',
    );
    expectRefusal(
      await command.run('main', [], { ROSTRUM_ENV_FILE: file }),
      /\.env: lines 3, 5 cannot be read/,
    );
  });

  it('in .env count like those of the environment, which wins', async () => {
    const file = path.join(command.dataDir, '.env');
    fs.writeFileSync(file, 'AUTH_PORT=from-file\nPOSTS_PORT=from-file\n');
    const outcome = await command.run('main', [], { ROSTRUM_ENV_FILE: file, AUTH_PORT: 'from-environment' });
    expectRefusal(
      outcome,
      /AUTH_PORT must be a port number, not "from-environment"; POSTS_PORT .*"from-file"/,
    );
  });

  it.each([
    [['--onyl', 'posts'], /--onyl.*See npm start -- --help/],
    [['--only', 'post'], /There is no service post\./],
  ])('include options that do not exist: %j', async (args, line) => {
    expectRefusal(await command.run('main', args), line);
  });
});

describe('a machine that cannot hold it', () => {
  it('hears which port is in use, by whom, and which setting moves it', async () => {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const outcome = await command.run('main', [], { AUTH_PORT: String(port) });
    await new Promise((resolve) => server.close(resolve));
    expectRefusal(outcome, new RegExp(`in use: ${port} \\(process ${process.pid}.*set AUTH_PORT`));
  });

  it('hears that the disk is nearly full', async () => {
    expectRefusal(
      await command.run('main', [], { MIN_FREE_DISK_MB: '999999999' }),
      /disk is nearly full: \d+ MB are free/,
    );
  });
});

describe('a failure half-way', () => {
  it('leaves nothing running behind', async () => {
    const args = ['--only', 'posts', '--no-build'];
    const outcome = await command.run('main', args, { REDIS_BIN: '/bin/false' });
    expectRefusal(outcome, /REDIS_BIN \(\/bin\/false\) is no working Redis/);
  });
});

describe('a second start', () => {
  it('says that the first one is running', async () => {
    const first = await command.idle('tools/start/main.mjs');
    command.writeState({ pid: first.pid, children: [] });
    const outcome = await command.run('main');
    expect(outcome).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`already running, as process ${first.pid}`),
    });
    expect(fs.existsSync(path.join(command.dataDir, 'run/state.json'))).toBe(true);
  });

  it('ends what a killed one left behind, and nothing else', async () => {
    const left = await command.idle(`${command.dataDir}/posts`);
    const stranger = await command.idle('the pid has a new owner');
    const pid = 2 ** 22 + 1;
    const child = (name: string, { pid: id }: { pid: number }) => ({
      name,
      pid: id,
      match: command.dataDir,
      signal: 'SIGTERM',
    });
    command.writeState({ pid, children: [child('posts', left), child('redis', stranger)] });

    const outcome = await command.run('main', [], { MIN_FREE_DISK_MB: '999999999' });

    expect(await left.ended).toBe('SIGTERM');
    expect(outcome.stdout).toContain('ending what an earlier run left behind: posts\n');
    expect(process.kill(stranger.pid, 0)).toBe(true);
  });

  it('is not held up by the state of a process whose pid somebody else has now', async () => {
    const stranger = await command.idle('something else');
    command.writeState({ pid: stranger.pid, children: [] });
    const outcome = await command.run('main', [], { MIN_FREE_DISK_MB: '999999999' });
    expect(outcome.stderr).toMatch(/disk is nearly full/);
  });
});

describe('reset', () => {
  it('removes the data', async () => {
    expect(await command.run('reset')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Removed /) });
    expect(fs.existsSync(command.dataDir)).toBe(false);
    expect(await command.run('reset')).toMatchObject({ code: 0, stdout: 'There is nothing to remove.\n' });
  });

  it('refuses while the system runs', async () => {
    const supervisor = await command.idle('tools/start/main.mjs');
    command.writeState({ pid: supervisor.pid, children: [] });
    const outcome = await command.run('reset');
    expect(outcome).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/is running, as process \d+\. Stop it/),
    });
    expect(fs.existsSync(command.dataDir)).toBe(true);
  });
});

it.each(['main', 'reset'] as const)('%s explains itself', async (script) => {
  const outcome = await command.run(script, ['--help']);
  expect(outcome).toMatchObject({
    code: 0,
    stderr: '',
    stdout: expect.stringMatching(/^npm (start|run reset)/),
  });
});
