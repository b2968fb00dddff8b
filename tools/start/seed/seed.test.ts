import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';

const command = path.resolve(__dirname, '../seed.mjs');
const certificateTool = path.resolve(__dirname, '../certificate.mjs');

let folder: string;
let api: StandIn;

beforeEach(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'rostrum-seed-'));
  api = await StandIn.start();
});

afterEach(async () => {
  await api.stop();
  fs.rmSync(folder, { recursive: true, force: true });
});

/** As much of the public API as the command calls, kept in memory. */
class StandIn {
  readonly passwords = new Map<string, string>();
  readonly posts: { author: string; text: string }[] = [];
  readonly follows = new Set<string>();
  calls: string[] = [];
  /** How many of the next calls are told to wait. */
  busy = 0;
  url = '';

  private constructor(private readonly server: http.Server) {
    server.on('request', (request: http.IncomingMessage, response: http.ServerResponse) => {
      void this.answer(request).then(({ status, body, headers }) => {
        response.writeHead(status, { 'content-type': 'application/json', ...headers });
        response.end(body === undefined ? undefined : JSON.stringify(body));
      });
    });
  }

  static async start(tls?: https.ServerOptions): Promise<StandIn> {
    const server = tls ? https.createServer(tls) : http.createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const standIn = new StandIn(server);
    const { port } = server.address() as AddressInfo;
    standIn.url = tls ? `https://localhost:${port}` : `http://127.0.0.1:${port}`;
    return standIn;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(
    request: http.IncomingMessage,
  ): Promise<{ status: number; body?: unknown; headers?: http.OutgoingHttpHeaders }> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const body = (text ? JSON.parse(text) : {}) as Record<string, string>;
    const [route = ''] = (request.url ?? '').split('?');
    this.calls.push(`${request.method} ${route}`);
    if (this.busy > 0) {
      this.busy -= 1;
      return { status: 429, headers: { 'retry-after': '0' }, body: {} };
    }
    const caller = request.headers.authorization?.replace('Bearer token-of-', '');
    if (route === '/api/v1/auth/register') return { status: this.register(body) };
    if (route === '/api/v1/auth/login') return this.login(body);
    if (!caller) return { status: 401, body: {} };
    if (route === '/api/v1/posts') {
      this.posts.push({ author: caller, text: body.text ?? '' });
      return { status: 201, body: {} };
    }
    if (route === '/api/v1/feed') return { status: 200, body: this.feed(caller) };
    const [, followee] = /^\/api\/v1\/users\/(\w+)\/follow$/.exec(route) ?? [];
    // A profile is there once its holder has posted.
    if (!this.posts.some(({ author }) => author === followee)) return { status: 404, body: {} };
    this.follows.add(`${caller} ${followee}`);
    return { status: 204 };
  }

  private register({ username = '', password = '' }: Record<string, string>): number {
    if (this.passwords.has(username)) return 409;
    this.passwords.set(username, password);
    return 201;
  }

  private login({ identifier = '', password }: Record<string, string>) {
    if (this.passwords.get(identifier) !== password) return { status: 401, body: {} };
    return { status: 200, body: { accessToken: `token-of-${identifier}` } };
  }

  private feed(caller: string) {
    const seen = this.posts.filter(
      ({ author }) => author === caller || this.follows.has(`${caller} ${author}`),
    );
    return { items: seen.map(({ author }) => ({ author: { username: author } })), nextCursor: null };
  }
}

async function seed(...more: string[]) {
  const passwordFile = path.join(folder, 'secrets/seed-password');
  const args = [command, '--url', api.url, '--password-file', passwordFile, ...more];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: folder });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  const [code] = (await once(child, 'close')) as [number];
  return { code, output, passwordFile };
}

it('makes people who follow each other and have posted, and says how to see them', async () => {
  const { code, output, passwordFile } = await seed();

  expect(code).toBe(0);
  expect(api.passwords.size).toBeGreaterThanOrEqual(5);
  for (const name of api.passwords.keys()) expect(api.posts.some(({ author }) => author === name)).toBe(true);
  expect(api.follows.size).toBeGreaterThan(api.passwords.size);
  const password = fs.readFileSync(passwordFile, 'utf8').trim();
  expect(new Set(api.passwords.values())).toEqual(new Set([password]));
  expect(password.length).toBeGreaterThanOrEqual(20);
  expect(fs.statSync(passwordFile).mode & 0o077).toBe(0);
  expect(output).toContain(password);
  expect(output).toContain('ada');
  expect(output).toContain(`${api.url}/api/v1/feed`);
});

it('makes nothing twice, and shows the password only when it is new', async () => {
  const { passwordFile } = await seed();
  const before = [api.passwords.size, api.posts.length, api.follows.size];
  const { code, output } = await seed();
  expect(code).toBe(0);
  expect([api.passwords.size, api.posts.length, api.follows.size]).toEqual(before);
  expect(output).not.toContain(fs.readFileSync(passwordFile, 'utf8').trim());
  expect(output).toContain('0 accounts and 0 posts made');
});

it('completes what was left half-made', async () => {
  const { passwordFile } = await seed();
  const all = api.passwords.size;
  const [first] = api.passwords.keys();
  api.passwords.delete(first as string);
  api.posts.splice(0, api.posts.length, ...api.posts.filter(({ author }) => author !== first));
  expect((await seed()).code).toBe(0);
  expect(api.passwords.size).toBe(all);
  expect(api.passwords.get(first as string)).toBe(fs.readFileSync(passwordFile, 'utf8').trim());
  expect(api.posts.some(({ author }) => author === first)).toBe(true);
});

it('waits as long as it is told to, then goes on', async () => {
  api.busy = 3;
  const { code, output } = await seed();
  expect(code).toBe(0);
  expect(output).toContain('asks to wait');
  expect(api.posts.length).toBeGreaterThan(0);
});

it('says in one line what to do about an account with another password', async () => {
  api.passwords.set('ada', 'somebody else’s');
  const { code, output } = await seed();
  expect(code).toBe(1);
  expect(output).toMatch(/^The account ada exists with another password\. .*npm run reset.*\n$/);
});

it('says in one line that nothing answers', async () => {
  await api.stop();
  const { code, output } = await seed();
  expect(code).toBe(1);
  expect(output).toMatch(/^http:\/\/127\.0\.0\.1:\d+ cannot be reached: ECONNREFUSED\. .*npm start.*\n$/);
  api = await StandIn.start();
});

it('says which options there are', async () => {
  const { code, output } = await seed('--help');
  expect(code).toBe(0);
  for (const option of ['--url', '--ca', '--password-file']) expect(output).toContain(option);
  expect(api.calls).toEqual([]);
});

it.each([['--nothing'], ['--url', 'nowhere'], ['--ca', '/does/not/exist']])(
  'refuses %s %s',
  async (...args) => {
    const { code, output } = await seed(...args);
    expect(code).toBe(1);
    expect(output).not.toContain('    at ');
    expect(api.calls).toEqual([]);
  },
);

describe('over TLS', () => {
  let certFile: string;

  beforeEach(async () => {
    const make = `import(${JSON.stringify(certificateTool)}).then((m) => m.developmentCertificate(${JSON.stringify(folder)}))`;
    spawnSync(process.execPath, ['-e', make]);
    certFile = path.join(folder, 'localhost.pem');
    await api.stop();
    const keyFile = path.join(folder, 'localhost-key.pem');
    api = await StandIn.start({ cert: fs.readFileSync(certFile), key: fs.readFileSync(keyFile) });
  });

  it('trusts the certificate that it is given', async () => {
    expect((await seed('--ca', certFile)).code).toBe(0);
    expect(api.posts.length).toBeGreaterThan(0);
  });

  it('sends nothing to a server that it has no reason to trust', async () => {
    const { code, output } = await seed();
    expect(code).toBe(1);
    expect(output).toMatch(/cannot be reached: \w*CERT\w*\. .*--ca/);
    expect(api.calls).toEqual([]);
  });
});
