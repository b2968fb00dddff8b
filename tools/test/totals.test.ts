import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const root = path.resolve(__dirname, '../..');
let folder: string;

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'rostrum totals-'));
});

afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

interface Counted {
  line: string;
  failures: string[];
  missing: string[];
}

/** What the totals come to for these result files and these failed tasks. */
function count(
  results: Record<string, object | string>,
  failedTasks: { project: string; target: string }[] = [],
): Counted {
  const projects = ['a', 'b'].map((name) => ({ name: `@rostrum/${name}`, folder: `libs/${name}` }));
  for (const [name, result] of Object.entries(results)) {
    fs.mkdirSync(path.join(folder, 'libs'), { recursive: true });
    const text = typeof result === 'string' ? result : JSON.stringify(result);
    fs.writeFileSync(path.join(folder, `libs/${name}.json`), text);
  }
  const script = `
    import { collectTotals, otherFailures, totalsLine } from ${JSON.stringify(path.join(__dirname, 'totals.mjs'))};
    const [folder, projects, tasks] = JSON.parse(process.argv[1]);
    const totals = collectTotals(folder, projects);
    const missing = totals.projects.filter((row) => row.missing).map((row) => row.folder);
    process.stdout.write(JSON.stringify({ line: totalsLine(totals), failures: otherFailures(tasks, totals), missing }));`;
  const args = ['--input-type=module', '-e', script, JSON.stringify([folder, projects, failedTasks])];
  return JSON.parse(spawnSync(process.execPath, args, { encoding: 'utf8' }).stdout) as Counted;
}

const passing = { passed: 3, failed: 0, skipped: 0 };

describe('the totals', () => {
  it('are those of all projects', () => {
    const result = count({ a: passing, b: { passed: 4, failed: 2, skipped: 0 } });
    expect(result).toEqual({ line: '7 passed, 2 failed', failures: [], missing: [] });
  });

  it('name skipped tests only where there are some', () => {
    expect(count({ a: passing, b: { passed: 0, failed: 0, skipped: 2 } }).line).toBe(
      '3 passed, 0 failed, 2 skipped',
    );
  });

  it.each([
    ['left no result', undefined],
    ['left half a file', '{"passed": 3, "fai'],
    ['ran no test', { passed: 0, failed: 0, skipped: 0 }],
  ])('count a project that %s as a failure', (_, result) => {
    expect(count({ a: passing, ...(result && { b: result }) })).toMatchObject({
      line: '3 passed, 1 failed',
      missing: ['libs/b'],
    });
  });

  it('leave room for tasks that failed without a failing test', () => {
    const tasks = [
      { project: '@rostrum/a', target: 'test' },
      { project: '@rostrum/b', target: 'test' },
      { project: '@rostrum/b', target: 'lint' },
    ];
    const { failures } = count({ a: passing, b: { passed: 4, failed: 1, skipped: 0 } }, tasks);
    expect(failures).toEqual(['@rostrum/a:test', '@rostrum/b:lint']);
  });
});

describe('.ci/run', () => {
  /** Runs it where `npm` is a script of ours. */
  function ci(npm: string) {
    fs.mkdirSync(path.join(folder, 'bin'));
    fs.writeFileSync(path.join(folder, 'bin/npm'), `#!/bin/sh\n${npm}\n`, { mode: 0o755 });
    const { status, stdout } = spawnSync(path.join(root, '.ci/run'), {
      encoding: 'utf8',
      env: { ...process.env, PATH: `${folder}/bin:${process.env['PATH']}` },
    });
    return { status, last: stdout.trimEnd().split('\n').at(-1), stdout };
  }

  it('ends with the totals, said once', () => {
    const { status, last, stdout } = ci('echo working; echo "12 passed, 0 failed"');
    expect({ status, last }).toEqual({ status: 0, last: '12 passed, 0 failed' });
    expect(stdout.match(/12 passed/g)).toHaveLength(1);
  });

  it('keeps them last whatever npm says after a failure, and hands on the code', () => {
    expect(ci('echo "11 passed, 1 failed"; echo "npm error code 1" >&2; exit 1')).toMatchObject({
      status: 1,
      last: '11 passed, 1 failed',
    });
  });

  it.each(['exit 0', 'echo "npm error" >&2; exit 7', 'kill -KILL $$'])('fails without totals: %s', (npm) => {
    const { status, last } = ci(npm);
    expect(last).toBe('0 passed, 1 failed');
    expect(status).not.toBe(0);
  });

  it('is run as on a build machine', () => {
    expect(ci('[ "$CI" = true ] && [ "$1" = test ] && echo "1 passed, 0 failed"')).toMatchObject({
      status: 0,
    });
  });
});
