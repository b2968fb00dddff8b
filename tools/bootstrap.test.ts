import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

let clone: string;
let children: ChildProcess[] = [];

/** A clone in miniature: the bootstrap finds its workspace from where it lies. */
beforeEach(() => {
  clone = fs.mkdtempSync(path.join(os.tmpdir(), 'rostrum clone-'));
  write('tools/bootstrap.mjs', fs.readFileSync(path.join(__dirname, 'bootstrap.mjs'), 'utf8'));
  write('local/package.json', JSON.stringify({ name: 'local', version: '1.0.0' }));
  lock();
});

afterEach(() => {
  // Its script notices that it is alone, and ends too.
  for (const child of children) child.kill('SIGKILL');
  children = [];
  fs.rmSync(clone, { recursive: true, force: true });
});

function write(name: string, text: string) {
  const file = path.join(clone, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text);
}

function lock(dependencies: Record<string, string> = {}) {
  const manifest = { name: 'clone', version: '1.0.0', dependencies };
  const local = {
    local: { name: 'local', version: '1.0.0' },
    'node_modules/local': { resolved: 'local', link: true },
  };
  const packages = { '': manifest, ...(dependencies['local'] && local) };
  write('package.json', JSON.stringify(manifest));
  write('package-lock.json', JSON.stringify({ ...manifest, lockfileVersion: 3, requires: true, packages }));
}

const bootstrap = () => path.join(clone, 'tools/bootstrap.mjs');
const run = (...args: string[]) =>
  spawnSync(process.execPath, [bootstrap(), ...args], {
    encoding: 'utf8',
    env: { ...process.env, npm_execpath: '' },
  });

/** Starts a script that says what happens to it, and waits until it runs. */
async function startScript(text: string) {
  write('script.mjs', text);
  run('tools/bootstrap.mjs', '--help');
  const child = spawn(process.execPath, [bootstrap(), 'script.mjs'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const heard = listen(child);
  await heard.until(/ready/);
  return { child, ...heard };
}

function listen(child: ChildProcess) {
  let text = '';
  const waiting = new Set<() => void>();
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    waiting.forEach((check) => check());
  });
  const until = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const check = () => {
        const found = pattern.exec(text);
        if (!found) return;
        waiting.delete(check);
        resolve(found);
      };
      waiting.add(check);
      child.stdout?.once('end', () => reject(new Error(`ended without ${pattern}: ${text}`)));
      check();
    });
  return { until };
}

const reporting = `
  const say = (line) => process.stdout.write(line + '\\n');
  const began = performance.now();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => say(\`\${signal} after \${Math.round(performance.now() - began)}\`));
  process.on('disconnect', () => { say('alone'); process.exit(0); });
  say(\`ready \${process.pid}\`);`;

describe('signals', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('hands %s on', async (signal) => {
    const script = await startScript(reporting);
    script.child.kill(signal);
    await script.until(new RegExp(`${signal} after`));
    script.child.kill('SIGKILL');
    await script.until(/alone/);
  });

  it('counts the same Ctrl-C from npm, the shell and the terminal once, and a later one again', async () => {
    const script = await startScript(reporting);
    for (let index = 0; index < 5; index += 1) script.child.kill('SIGINT');
    await script.until(/SIGINT after/);
    const pressing = setInterval(() => script.child.kill('SIGINT'), 20);
    const [, first, second] = await script
      .until(/SIGINT after (\d+)\nSIGINT after (\d+)\n/)
      .finally(() => clearInterval(pressing));
    expect(Number(second) - Number(first)).toBeGreaterThanOrEqual(490);
    script.child.kill('SIGKILL');
    await script.until(/alone/);
  });

  it('keeps a terminal from reaching the script past it', async () => {
    const script = await startScript(reporting);
    const [, pid] = await script.until(/ready (\d+)/);
    const group = (id: string) =>
      spawnSync('ps', ['-o', 'pgid=', '-p', id], { encoding: 'utf8' }).stdout.trim();
    expect(group(String(pid))).toBe(pid);
    expect(group(String(script.child.pid))).not.toBe(pid);
    script.child.kill('SIGKILL');
    await script.until(/alone/);
  });
});

describe('the exit code', () => {
  it("is the script's", () => {
    write('script.mjs', 'process.exitCode = 7;');
    expect(run('script.mjs').status).toBe(7);
  });

  it('tells of the signal that ended the script', () => {
    write('script.mjs', `process.kill(process.pid, 'SIGKILL');`);
    expect(run('script.mjs').status).toBe(128 + 9);
  });

  it('is not 0 when there is no such script', () => {
    expect(run('missing.mjs')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('There is no script missing.mjs.'),
    });
  });
});

describe('packages', () => {
  beforeEach(() => write('script.mjs', `console.log('ran', ...process.argv.slice(2));`));

  it('are installed from the lockfile when it changed, and only then', () => {
    expect(run('script.mjs', 'a b')).toMatchObject({
      status: 0,
      stdout: 'ran a b\n',
      stderr: expect.stringMatching(/installing the packages[^]*installed in/),
    });
    expect(run('script.mjs').stderr).toBe('');
    lock({ local: 'file:local' });
    expect(run('script.mjs').stderr).toContain('installed in');
    expect(fs.existsSync(path.join(clone, 'node_modules/local/package.json'))).toBe(true);
  });

  it('are installed once when two commands start together', async () => {
    const both = [1, 2].map(() =>
      spawn(process.execPath, [bootstrap(), 'script.mjs'], { stdio: ['ignore', 'pipe', 'pipe'] }),
    );
    const said = await Promise.all(
      both.map(async ({ stdout, stderr }) => {
        const [out, err] = await Promise.all([stdout.toArray(), stderr.toArray()]);
        return Buffer.concat([...out, ...err]).toString();
      }),
    );
    expect(said.filter((text) => text.includes('installed in'))).toHaveLength(1);
    expect(said.filter((text) => text.includes('ran\n'))).toHaveLength(2);
  });

  it("are left alone after somebody's own npm install", () => {
    lock({ local: 'file:local' });
    spawnSync('npm', ['install', '--no-audit', '--no-fund'], { cwd: clone });
    expect(run('script.mjs')).toMatchObject({ status: 0, stderr: '' });
  });

  it('that the lockfile does not know end the command before the script', () => {
    write('package.json', JSON.stringify({ name: 'clone', dependencies: { local: 'file:local' } }));
    const result = run('script.mjs');
    expect(result).toMatchObject({ status: 1, stdout: '' });
    expect(result.stderr).toContain('package.json and package-lock.json do not agree');
  });

  it('that cannot be installed end the command before the script, each time', () => {
    lock({ local: 'file:local', broken: 'file:nowhere.tgz' });
    for (const attempt of [run('script.mjs'), run('script.mjs')]) {
      expect(attempt).toMatchObject({ status: 1, stdout: '' });
      expect(attempt.stderr).toContain('npm install failed');
    }
  });

  it('are installed without a change to any file of ours', () => {
    lock({ local: 'file:local' });
    const before = fs.readFileSync(path.join(clone, 'package-lock.json'), 'utf8');
    expect(run('script.mjs').status).toBe(0);
    expect(fs.readFileSync(path.join(clone, 'package-lock.json'), 'utf8')).toBe(before);
  });

  it('for development come too where NODE_ENV is production', () => {
    const manifest = { name: 'clone', version: '1.0.0', devDependencies: { local: 'file:local' } };
    write('package.json', JSON.stringify(manifest));
    const packages = {
      '': manifest,
      local: { version: '1.0.0', dev: true },
      'node_modules/local': { resolved: 'local', link: true },
    };
    write('package-lock.json', JSON.stringify({ ...manifest, lockfileVersion: 3, requires: true, packages }));
    const env = { ...process.env, NODE_ENV: 'production', npm_execpath: '' };
    spawnSync(process.execPath, [bootstrap(), 'script.mjs'], { env });
    expect(fs.existsSync(path.join(clone, 'node_modules/local/package.json'))).toBe(true);
  });
});
