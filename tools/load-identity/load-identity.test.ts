import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { CallerIdentities } from '@rostrum/service-kit';

const command = path.resolve(__dirname, 'main.mjs');
let folder: string;

beforeEach(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), 'rostrum-identity-'))));
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

function run(...args: string[]) {
  const { stdout, stderr, status } = spawnSync(process.execPath, [command, ...args], { encoding: 'utf8' });
  return { lines: stdout.trim().split('\n'), stderr, status };
}

function keys() {
  const [privateFile = '', publicFile = ''] = run('keys', '--out', folder).lines;
  return { privateFile, identities: new CallerIdentities(fs.readFileSync(publicFile, 'utf8')) };
}

it('makes identities that a service accepts', async () => {
  const { privateFile, identities } = keys();
  const { lines } = run('issue', '--key', privateFile, '--count', '3', '--name', 'k6', '--api', '6000');
  expect(lines).toHaveLength(3);
  const accepted = await Promise.all(lines.map(async (token) => identities.identify(token)));
  expect(accepted).toMatchObject([
    { name: 'k6-1', use: 'load', limits: { api: 6000 } },
    { name: 'k6-2', use: 'load', limits: { api: 6000 } },
    { name: 'k6-3', use: 'load', limits: { api: 6000 } },
  ]);
  const lifeSeconds = ((accepted[0]?.expiresAt ?? 0) - Date.now()) / 1000;
  expect(lifeSeconds).toBeGreaterThan(3000);
  expect(lifeSeconds).toBeLessThanOrEqual(3600);
});

it('makes one for an internal process', async () => {
  const { privateFile, identities } = keys();
  const [token = ''] = run('issue', '--key', privateFile, '--internal', '--name', 'billing').lines;
  expect(await identities.identify(token)).toMatchObject({ name: 'billing', use: 'internal', limits: {} });
});

it('writes many into a file that only the owner may read', () => {
  const { privateFile } = keys();
  const out = path.join(folder, 'identities.json');
  expect(run('issue', '--key', privateFile, '--count', '50', '--out', out).status).toBe(0);
  expect(new Set(JSON.parse(fs.readFileSync(out, 'utf8')) as string[]).size).toBe(50);
  expect(fs.statSync(out).mode & 0o077).toBe(0);
});

it('keeps the private key to the owner, and never makes one over another', () => {
  const { privateFile } = keys();
  expect(fs.statSync(privateFile).mode & 0o077).toBe(0);
  const before = fs.readFileSync(privateFile, 'utf8');
  expect(run('keys', '--out', folder)).toMatchObject({ status: 1 });
  expect(fs.readFileSync(privateFile, 'utf8')).toBe(before);
});

it.each([
  [['issue', '--ttl', '90000', '--key', 'x'], /--ttl must be a whole number from 1 to 86400/],
  [['issue', '--count', '0', '--key', 'x'], /--count must be/],
  [['issue', '--key', '/nowhere/key.pem'], /cannot be read: ENOENT/],
  [['issue', '--name', 'a b'], /--name may have/],
  [['keys'], /needs --out/],
  [['revoke'], /no command revoke/],
  [['issue', '--everything'], /everything/],
])('%j says what is wrong with it', (args, complaint) => {
  const { status, stderr } = run(...args);
  expect(status).toBe(1);
  expect(stderr).toMatch(complaint);
  expect(stderr).not.toMatch(/\n\s+at /);
});
