import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { waitFor } from '@rostrum/testing';

const root = path.resolve(__dirname, '../../..');
const leftOut = new Set(['node_modules', '.git', '.data', '.nx', 'dist', 'coverage']);

let folder: string;
let child: ChildProcess;
let output = '';

/** What a newcomer has after `git clone`, in a folder with a blank in its name. */
function copyWithoutDependencies(): string {
  const copy = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'new comer-')), 'rostrum');
  fs.cpSync(root, copy, { recursive: true, filter: (source) => !leftOut.has(path.basename(source)) });
  return copy;
}

beforeAll(() => {
  folder = copyWithoutDependencies();
  const { PATH, HOME, TRAEFIK_BIN } = process.env;
  child = spawn('npm', ['start'], {
    cwd: folder,
    detached: true,
    env: { PATH, HOME, PORTS: 'free', ...(TRAEFIK_BIN !== undefined && { TRAEFIK_BIN }) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => (output += String(text)));
});

afterAll(() => {
  if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  fs.rmSync(path.dirname(folder), { recursive: true, force: true });
});

function get(url: string): Promise<{ status: number | undefined; location: string | undefined }> {
  return new Promise((resolve, reject) => {
    https
      .get(url, { rejectUnauthorized: false }, (response) => {
        response.resume();
        resolve({ status: response.statusCode, location: response.headers.location });
      })
      .on('error', reject);
  });
}

/** Every process whose command line names the copy. */
function processesOfTheCopy(): string[] {
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((pid) => readCommand(pid))
    .filter((command) => command.includes(folder));
}

function readCommand(pid: string): string {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

const portsIn = (text: string) =>
  [...text.matchAll(/(?:localhost|127\.0\.0\.1|ops ):?(\d{4,5})/g)].map(([, port]) => Number(port));

it('npm start in a fresh copy brings everything up, and Ctrl-C leaves nothing behind', async () => {
  const ended = () => child.exitCode !== null;
  const ready = () => ended() || output.includes('Press Ctrl-C');
  await waitFor(ready, { timeoutMs: 280_000, what: 'npm start to be ready' }).catch((error: Error) => {
    throw new Error(`${error.message}. It printed:\n${output}`, { cause: error });
  });
  if (ended()) throw new Error(`npm start ended. It printed:\n${output}`);
  const gateway = /https:\/\/localhost:\d+/.exec(output)?.[0] ?? '';
  expect(await get(`${gateway}/api/v1/feed`)).toMatchObject({ status: 401 });
  expect(await get(`${gateway}/docs`)).toMatchObject({ status: 200 });
  expect(await get(`${gateway}/metrics`)).toMatchObject({ status: 404 });
  const ports = portsIn(output);
  expect(ports.length).toBeGreaterThan(10);
  expect(processesOfTheCopy().length).toBeGreaterThan(8);

  if (child.pid !== undefined) process.kill(-child.pid, 'SIGINT');
  await waitFor(ended, { timeoutMs: 90_000, what: 'everything to stop' });
  expect(output).toContain('Stopped.');
  expect(processesOfTheCopy()).toEqual([]);
  for (const port of ports) expect([port, await isOpen(port)]).toEqual([port, false]);
}, 400_000);
