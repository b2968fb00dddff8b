import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createTestDatabase, startPostgresServer, waitFor, type OwnServer } from '@rostrum/testing';
import { generate } from 'selfsigned';
import {
  connectionTarget,
  createDatabase,
  migrate,
  withClient,
  type Database,
  type TlsOptions,
} from '../src';
import { thingsMigrations } from './things';

interface Certificate {
  private: string;
  cert: string;
}

/** Certifies servers; `stranger` does so too, but nobody trusts it. */
let authority: Certificate;
let stranger: Certificate;
let server: OwnServer;
let url: string;
let adminUrl: string;
let ownerUrl: string;
let folder: string;
const opened: Database[] = [];

async function makeAuthority(name: string): Promise<Certificate> {
  return generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
}

beforeAll(async () => {
  authority = await makeAuthority('authority');
  stranger = await makeAuthority('stranger');
  const made = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
    ca: { key: authority.private, cert: authority.cert },
  });
  server = await startPostgresServer({ tls: { cert: made.cert, key: made.private } });
  ({ url, adminUrl, ownerUrl } = await createTestDatabase('alpha', thingsMigrations, {
    adminUrl: server.url,
  }));
  // A server that takes none but protected connections.
  await withClient(adminUrl, async (admin) => {
    const { rows } = await admin.query<{ file: string }>(`select current_setting('hba_file') as file`);
    const file = rows[0]?.file ?? '';
    const rules = fs.readFileSync(file, 'utf8');
    fs.writeFileSync(file, `hostnossl all rostrum_alpha all reject\n${rules}`);
    await admin.query('select pg_reload_conf()');
  });
  await waitFor(async () => !(await works(url, {})), { what: 'the refusal of plain connections' });
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'rostrum-tls-'));
});

afterAll(async () => {
  await Promise.all(opened.map((database) => database.close(100)));
  fs.rmSync(folder, { recursive: true });
  await server.stop();
});

/** The certificate is for this name; 127.0.0.1 is the same server by another. */
const named = (name: string, to = url) => Object.assign(new URL(to), { hostname: name }).href;

function withParameters(parameters: Record<string, string>, base = named('localhost')): string {
  const changed = new URL(base);
  for (const [name, value] of Object.entries(parameters)) changed.searchParams.set(name, value);
  return changed.href;
}

function fileWith(text: string): string {
  const file = path.join(folder, `${fs.readdirSync(folder).length}.pem`);
  fs.writeFileSync(file, text);
  return file;
}

async function isProtected(target: string, tls: TlsOptions): Promise<boolean> {
  const database = createDatabase({ url: target, tls, max: 1 });
  opened.push(database);
  const { rows } = await database.query<{ ssl: boolean }>(
    'tls',
    'select ssl from pg_stat_ssl where pid = pg_backend_pid()',
  );
  return rows[0]?.ssl ?? false;
}

const works = (target: string, tls: TlsOptions) =>
  isProtected(target, tls).then(
    () => true,
    () => false,
  );

type Row = [
  mode: TlsOptions['mode'],
  trusted: 'authority' | 'stranger' | 'none',
  name: string,
  works: boolean,
];

it.each<Row>([
  ['disable', 'none', 'localhost', false],
  ['require', 'none', 'localhost', true],
  ['require', 'none', '127.0.0.1', true],
  ['require', 'authority', '127.0.0.1', true],
  ['require', 'stranger', 'localhost', false],
  ['verify-ca', 'authority', 'localhost', true],
  ['verify-ca', 'authority', '127.0.0.1', true],
  ['verify-ca', 'stranger', 'localhost', false],
  ['verify-full', 'authority', 'localhost', true],
  ['verify-full', 'authority', '127.0.0.1', false],
  ['verify-full', 'stranger', 'localhost', false],
  ['verify-full', 'none', 'localhost', false],
])('%s, trusting %s, of a server called %s: %s', async (mode, trusted, name, expected) => {
  const ca = { authority: authority.cert, stranger: stranger.cert, none: undefined }[trusted];
  expect(await works(named(name), { mode, ca })).toBe(expected);
  // The same asked for as libpq's users do.
  const parameters = { sslmode: mode ?? '', ...(ca && { sslrootcert: fileWith(ca) }) };
  expect(await works(withParameters(parameters, named(name)), {})).toBe(expected);
});

it('is what the connection really has', async () => {
  expect(await isProtected(named('localhost'), { mode: 'verify-full', ca: authority.cert })).toBe(true);
});

/** Passes bytes on, and keeps what each connection begins with: what it asks the server for. */
async function startRelay(target: URL) {
  const requests: number[] = [];
  const sockets: net.Socket[] = [];
  const relay = net.createServer((client) => {
    const upstream = net.connect(Number(target.port), '127.0.0.1');
    sockets.push(client, upstream);
    client.once('data', (chunk: Buffer) => requests.push(chunk.readInt32BE(4)));
    for (const socket of [client, upstream]) socket.on('error', () => undefined);
    client.pipe(upstream).pipe(client);
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => relay.close(resolve));
  };
  return { requests, port: String((relay.address() as net.AddressInfo).port), close };
}

const sslRequest = 80877103;

it('protects requests to cancel, and what is heard beside the pool', async () => {
  const relay = await startRelay(new URL(url));
  const tls: TlsOptions = { mode: 'verify-full', ca: authority.cert };
  const through = Object.assign(new URL(named('localhost')), { port: relay.port }).href;
  const database = createDatabase({ url: through, tls, max: 1 });
  await database.query('warm', 'select 1');
  const caller = new AbortController();
  const sleep = database.query('slow', 'select pg_sleep(30)', [], { signal: caller.signal });
  const running = `select from pg_stat_activity where query = 'select pg_sleep(30)' and state = 'active'`;
  await waitFor(() => withClient(adminUrl, async (admin) => (await admin.query(running)).rowCount === 1));
  caller.abort(new Error('gone'));
  await expect(sleep).rejects.toThrow('gone');
  await waitFor(() => database.stats().active === 0, { what: 'the end of the statement' });
  const heard = jest.fn();
  const listener = database.listen('news', heard);
  await waitFor(() => heard.mock.calls.length > 0);
  await listener.stop();
  await database.close(100);
  await relay.close();
  expect(relay.requests).toEqual([sslRequest, sslRequest, sslRequest]);
});

it('protects migrations', async () => {
  const look = (ca: string) =>
    migrate(
      named('localhost', ownerUrl),
      { source: {}, schema: 'alpha', tls: { mode: 'verify-full', ca } },
      'status',
    );
  expect((await look(authority.cert)).applied.length).toBeGreaterThan(0);
  await expect(look(stranger.cert)).rejects.toThrow('unable to verify');
});

describe('is refused before it connects', () => {
  it.each([
    [
      'an authority that any server may have been certified by',
      { sslmode: 'verify-ca' },
      {},
      'one of your own',
    ],
    ['a mode that protects only by chance', { sslmode: 'prefer' }, {}, 'sslmode=prefer is not known'],
    ['two modes', { sslmode: 'require' }, { mode: 'verify-full' as const }, 'keep one'],
  ])('%s', (_what, parameters, tls, message) => {
    expect(() => connectionTarget(withParameters(parameters), tls)).toThrow(message);
  });
});
