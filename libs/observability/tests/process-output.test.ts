import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { waitFor } from '@rostrum/testing';
import { ChildProgram, collect, exitOf } from './child-process';

const LINES = 6000;

let program: ChildProgram;
let folder: string;

beforeAll(() => {
  program = new ChildProgram('log-writer');
  folder = mkdtempSync(path.join(tmpdir(), 'rostrum-logs-'));
});

afterAll(() => {
  program.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** Each line is whole JSON; the numbers in them tell that none is missing and in which order they came. */
function numbersIn(text: string): number[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { at?: number; bytes?: number })
    .map((line) => line.at ?? line.bytes ?? -1);
}

const inOrder = Array.from({ length: LINES }, (_, at) => at);
const sorted = (numbers: number[]) => [...numbers].sort((a, b) => a - b);

describe('nothing is lost at the end of a process', () => {
  test.each(['natural', 'exit', 'close', 'throw'])('%s: to a socket', async (mode) => {
    const child = program.start([mode, 'stdout', String(LINES)]);
    const [text, { code }] = await Promise.all([collect(child.stdout), exitOf(child), collect(child.stderr)]);
    expect(code).toBe(mode === 'throw' ? 1 : 0);
    expect(sorted(numbersIn(text))).toEqual(inOrder);
  });

  test.each(['natural', 'exit', 'close', 'throw'])('%s: to a pipe, with a slow reader', async (mode) => {
    const { stdout } = await promisify(execFile)(
      'sh',
      ['-c', `${program.command([mode, 'stdout', String(LINES)])} 2>/dev/null | (sleep 0.3; cat)`],
      { maxBuffer: 64 * 1024 * 1024 },
    );
    expect(sorted(numbersIn(stdout))).toEqual(inOrder);
  });

  test.each(['natural', 'exit', 'close', 'throw'])('%s: to a file', async (mode) => {
    const file = path.join(folder, `${mode}.log`);
    await exitOf(program.start([mode, file, String(LINES)], 'ignore'));
    expect(sorted(numbersIn(readFileSync(file, 'utf8')))).toEqual(inOrder);
  });

  test.each(['natural', 'exit'])('%s: to a file that the shell has opened', async (mode) => {
    const file = path.join(folder, `redirected-${mode}.log`);
    await promisify(execFile)('sh', ['-c', `${program.command([mode, 'stdout', String(LINES)])} > ${file}`]);
    expect(sorted(numbersIn(readFileSync(file, 'utf8')))).toEqual(inOrder);
  });

  test.each(['stdout', 'file'])(
    'an exit while a write is under way cuts no line and loses none: %s',
    async (kind) => {
      const output = kind === 'file' ? path.join(folder, 'mid-write.log') : 'stdout';
      const child = program.start(['exit-mid-write', output, String(LINES)], ['ignore', 'pipe', 'ignore']);
      const [text] = await Promise.all([collect(child.stdout), exitOf(child)]);
      const numbers = numbersIn(kind === 'file' ? readFileSync(output, 'utf8') : text);
      expect(sorted(numbers)).toEqual(sorted([...inOrder, ...inOrder.slice(LINES / 2)]));
    },
  );
});

interface Report {
  longest: number;
  dropped: number;
}

function reports(child: ChildProcess): { last: Report } {
  const state = { last: { longest: 0, dropped: 0 } };
  child.on('message', (message) => (state.last = message as Report));
  return state;
}

describe('a reader that stalls', () => {
  test('never holds the event loop; lines beyond the bound are dropped and counted', async () => {
    const child = program.start(['endless']);
    const state = reports(child);
    child.stdout?.pause(); // nobody reads
    await waitFor(() => state.last.dropped > 1000, { what: 'dropped lines', timeoutMs: 20_000 });
    // It would be held until somebody reads, which nobody does here.
    expect(state.last.longest).toBeLessThan(5000);

    child.send('quiet');
    let text = '';
    child.stdout?.on('data', (chunk) => (text += String(chunk))).resume(); // the reader is back
    await waitFor(() => text.includes('"lost":'), { what: 'the line about the loss', timeoutMs: 20_000 });
    child.send('close');
    expect((await exitOf(child)).code).toBe(0);
    for (const line of text.trimEnd().split('\n')) JSON.parse(line);
  });

  test.each(['exit', 'close'])('does not keep the process from its end: %s', async (how) => {
    const child = program.start(['endless']);
    const state = reports(child);
    child.stdout?.pause();
    await waitFor(() => state.last.dropped > 0, { what: 'dropped lines', timeoutMs: 20_000 });
    const before = Date.now();
    child.send(how);
    expect((await exitOf(child)).code).toBe(0);
    expect(Date.now() - before).toBeLessThan(20_000);
  });

  test('that stalls on a real pipe does not keep the process from its end either', async () => {
    const shell = spawn(
      'sh',
      ['-c', `(${program.command(['exit', 'stdout', '20000'])}; echo ended >&2) | sleep 30`],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
        detached: true,
      },
    );
    let text = '';
    shell.stderr.on('data', (chunk) => (text += String(chunk)));
    await waitFor(() => text.includes('ended'), { timeoutMs: 15_000 });
    process.kill(-(shell.pid ?? 0), 'SIGKILL');
  });

  test('that goes away does not harm the process', async () => {
    const child = program.start(['endless']);
    const state = reports(child);
    child.stdout?.destroy();
    await waitFor(() => state.last.dropped > 500, { what: 'dropped lines', timeoutMs: 20_000 });
    child.send('close');
    expect((await exitOf(child)).code).toBe(0);
  });
});
