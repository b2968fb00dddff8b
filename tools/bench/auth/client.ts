/**
 * The clients of the benchmark, in a process of their own: `client.js <what> <url> <seconds>`. What they need of each
 * other is in the file that BENCH_STATE names. Prints one line of JSON.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { Pool } from 'undici';

interface State {
  people: { username: string; password: string }[];
  refreshTokens: string[];
  accessToken: string;
  me: unknown;
}

interface Result {
  requests: number;
  rps: number;
  p95: number;
  p99: number;
  failures: number;
}

const stateFile = process.env['BENCH_STATE'] ?? '';
const json = { 'content-type': 'application/json' };
const people = 40;
const sessions = 800;
/** So many that there is always a password to hash: the rest of a sign-in takes several turns of the service. */
const signInCallers = 24;
const refreshCallers = 32;
const meEveryMs = 10;

class Client {
  private readonly pool: Pool;

  constructor(url: string) {
    this.pool = new Pool(url, { connections: 256 });
  }

  async post(path: string, body: object): Promise<{ status: number; body: Record<string, unknown> }> {
    const response = await this.pool.request({
      path,
      method: 'POST',
      headers: json,
      body: JSON.stringify(body),
    });
    const text = await response.body.text();
    return { status: response.statusCode, body: JSON.parse(text) as Record<string, unknown> };
  }

  async me(token: string): Promise<{ status: number; text: string }> {
    const headers = { authorization: `Bearer ${token}` };
    const response = await this.pool.request({ path: '/api/v1/auth/me', method: 'GET', headers });
    return { status: response.statusCode, text: await response.body.text() };
  }

  login({ username, password }: State['people'][number]) {
    return this.post('/api/v1/auth/login', { identifier: username, password });
  }
}

/** Makes the people and the sessions that are then measured. */
async function prepare(client: Client): Promise<object> {
  const made: State['people'] = [];
  for (let n = 0; n < people; n += 1) {
    const username = `bench_${n}`;
    const person = { username, password: 'correct horse battery' };
    const { status } = await client.post('/api/v1/auth/register', {
      ...person,
      email: `${username}@example.com`,
    });
    if (status !== 201) throw new Error(`Registering was answered ${status}`);
    made.push(person);
  }
  const refreshTokens: string[] = [];
  let accessToken = '';
  await inParallel(sessions, signInCallers, async (n) => {
    const { status, body } = await client.login(made[n % people] as State['people'][number]);
    if (status !== 200) throw new Error(`Signing in was answered ${status}`);
    refreshTokens.push(String(body['refreshToken']));
    accessToken = String(body['accessToken']);
  });
  const me: unknown = JSON.parse((await client.me(accessToken)).text);
  writeFileSync(stateFile, JSON.stringify({ people: made, refreshTokens, accessToken, me }));
  return { sessions };
}

async function login(client: Client, seconds: number): Promise<Result> {
  const { people: known } = readState();
  return loop(signInCallers, seconds, async (n) => {
    const { status } = await client.login(known[n % known.length] as State['people'][number]);
    return status === 200;
  });
}

/** Each caller takes the session that was refreshed longest ago. */
async function refresh(client: Client, seconds: number): Promise<Result> {
  const state = readState();
  const waiting = [...state.refreshTokens];
  const result = await loop(refreshCallers, seconds, async () => {
    const refreshToken = waiting.shift() ?? '';
    const { status, body } = await client.post('/api/v1/auth/refresh', { refreshToken });
    waiting.push(String(body['refreshToken'] ?? refreshToken));
    return status === 200;
  });
  writeFileSync(stateFile, JSON.stringify({ ...state, refreshTokens: waiting }));
  return result;
}

/** People look at their account at a steady pace while sign-ins arrive at BENCH_STORM a second, answered or not. */
async function storm(client: Client, seconds: number): Promise<object> {
  const { people: known, accessToken } = readState();
  const perSecond = Number(process.env['BENCH_STORM'] ?? 0);
  const statuses: Record<string, number> = {};
  const latencies: number[] = [];
  const pending: Promise<void>[] = [];
  const signIn = async (n: number) => {
    const { status } = await client.login(known[n % known.length] as State['people'][number]);
    statuses[status] = (statuses[status] ?? 0) + 1;
  };
  const look = async () => {
    const startedAt = performance.now();
    const { status } = await client.me(accessToken);
    latencies.push(performance.now() - startedAt);
    if (status !== 200) throw new Error(`GET /me was answered ${status}`);
  };
  const paced = [
    pace(1000 / perSecond, seconds, (n) => pending.push(signIn(n))),
    pace(meEveryMs, seconds, () => pending.push(look())),
  ];
  await Promise.all(paced);
  await Promise.all(pending);
  return { statuses, ...percentiles(latencies), requests: latencies.length };
}

/** At a steady rate whatever becomes of what was begun: a slow server does not slow down those who come. */
async function pace(everyMs: number, seconds: number, begin: (n: number) => void): Promise<void> {
  const startedAt = performance.now();
  const total = Math.floor((seconds * 1000) / everyMs);
  for (let n = 0; n < total; n += 1) {
    const wait = startedAt + n * everyMs - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    begin(n);
  }
}

async function loop(callers: number, seconds: number, ask: (n: number) => Promise<boolean>): Promise<Result> {
  const startedAt = performance.now();
  const end = startedAt + seconds * 1000;
  const latencies: number[] = [];
  let failures = 0;
  let n = 0;
  const call = async () => {
    while (performance.now() < end) {
      const askedAt = performance.now();
      n += 1;
      if (!(await ask(n))) failures += 1;
      latencies.push(performance.now() - askedAt);
    }
  };
  await Promise.all(Array.from({ length: callers }, call));
  const rps = latencies.length / ((performance.now() - startedAt) / 1000);
  return { requests: latencies.length, rps, failures, ...percentiles(latencies) };
}

async function inParallel(total: number, callers: number, work: (n: number) => Promise<void>): Promise<void> {
  let next = 0;
  const call = async () => {
    while (next < total) {
      next += 1;
      await work(next);
    }
  };
  await Promise.all(Array.from({ length: callers }, call));
}

function percentiles(latencies: number[]) {
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

function readState(): State {
  return JSON.parse(readFileSync(stateFile, 'utf8')) as State;
}

async function main(): Promise<void> {
  const [what = '', url = '', seconds = '3'] = process.argv.slice(2);
  const client = new Client(url);
  const work = { prepare, login, refresh, storm }[what];
  if (!work) throw new Error(`There is nothing called ${what}`);
  process.stdout.write(`${JSON.stringify(await work(client, Number(seconds)))}\n`);
  process.exit(0);
}

void main();
