import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readConfig } from '@rostrum/config';
import { withClient } from '@rostrum/data-access';
import { createTestDatabase, createTestRedis } from '@rostrum/testing';
import { createAuthService, createAuthWorker } from '../src/composition-root';
import { mainSettings, workerSettings } from '../src/config';

type Settings = Record<string, string>;

interface Ask {
  method?: string;
  body?: unknown;
  token?: string;
  signal?: AbortSignal;
}

export interface AuthApp {
  /** Asks the public port; an object is sent as a JSON body. */
  ask(path: string, init?: Ask): Promise<Response>;
  /** Makes an account and returns it with what it was made of. */
  register(details?: Partial<Details>): Promise<Details & { id: string }>;
  /** An access token, by way of signing in. */
  signIn(details: Pick<Details, 'username' | 'password'>): Promise<string>;
  metrics(): Promise<string>;
  readiness(): Promise<unknown>;
  /** Runs a statement behind the service's back. */
  sql<T extends object>(text: string, values?: unknown[]): Promise<T[]>;
  /** Starts a worker beside it. */
  startWorker(): Promise<void>;
  redisUrl: string;
  /** Ends the service and returns everything that it has logged. */
  stop(): Promise<string>;
}

export interface Details {
  email: string;
  username: string;
  password: string;
}

export const issuer = 'https://auth.test';
export const audience = 'rostrum-test';

let lastNumber = 0;

/** Details that nobody has used before. */
export function newDetails(): Details {
  lastNumber += 1;
  const username = `ada_${process.pid}_${lastNumber}`;
  return { email: `${username}@example.com`, username, password: `correct horse ${lastNumber}` };
}

/** The real service on free ports, with a database and a Redis database of its own. */
export async function startAuth(settings: Settings = {}): Promise<AuthApp> {
  const database = await createTestDatabase('auth', path.join(__dirname, '../migrations'));
  const redis = await createTestRedis();
  const folder = await mkdtemp(path.join(tmpdir(), 'auth-test-'));
  const environment: Settings = {
    ...commonSettings(),
    DATABASE_URL: database.url,
    REDIS_URL: redis.url,
    LOG_OUTPUT: path.join(folder, 'log'),
    ...settings,
  };
  const service = await createAuthService(readConfig(mainSettings, environment));
  const { port, opsPort } = await service.start();
  const workers: { stop(reason: string): Promise<unknown> }[] = [];

  const ask: AuthApp['ask'] = (target, { method = 'GET', body, token, signal } = {}) =>
    fetch(`http://127.0.0.1:${port}${target}`, {
      method,
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    });
  const ops = (target: string) => fetch(`http://127.0.0.1:${opsPort}${target}`);

  return {
    ask,
    redisUrl: environment['REDIS_URL'] as string,
    async register(overrides) {
      const details = { ...newDetails(), ...overrides };
      const response = await ask('/api/v1/auth/register', { method: 'POST', body: details });
      expect(response.status).toBe(201);
      const { user } = (await response.json()) as { user: { id: string } };
      return { ...details, id: user.id };
    },
    async signIn({ username, password }) {
      const body = { identifier: username, password };
      const response = await ask('/api/v1/auth/login', { method: 'POST', body });
      expect(response.status).toBe(200);
      return ((await response.json()) as { accessToken: string }).accessToken;
    },
    metrics: async () => (await ops('/metrics')).text(),
    readiness: async () => (await ops('/readyz')).json(),
    sql: (text, values) =>
      withClient(database.ownerUrl, async (client) => (await client.query(text, values)).rows),
    async startWorker() {
      const worker = createAuthWorker(
        readConfig(workerSettings, { ...environment, LOG_OUTPUT: path.join(folder, 'worker-log') }),
      );
      workers.push(worker);
      await worker.start();
    },
    async stop() {
      for (const worker of workers) await worker.stop('the test is over');
      expect(await service.stop('the test is over')).toMatchObject({ ok: true });
      const log = await readFile(path.join(folder, 'log'), 'utf8');
      await Promise.all([database.drop(), redis.close(), rm(folder, { recursive: true })]);
      return log;
    },
  };
}

function commonSettings(): Settings {
  return {
    ENVIRONMENT: 'test',
    HOST: '127.0.0.1',
    PORT: '0',
    OPS_PORT: '0',
    DATABASE_MAX_CONNECTIONS: '5',
    DATABASE_MIN_IDLE: '0',
    SHUTDOWN_PROPAGATION_MS: '0',
    LOG_LEVEL: 'debug',
    TRACING_ENABLED: 'false',
    JWT_ISSUER: issuer,
    JWT_AUDIENCE: audience,
    JWT_SIGNING_KEY: newSigningKey(),
  };
}

/** An RSA key as the service wants it. */
export function newSigningKey(): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

export interface ProblemBody {
  code: string;
  status: number;
  requestId: string;
  detail: string;
  errors?: { path: string }[];
}

/** The problem that a response must be. */
export async function problemOf(response: Response): Promise<ProblemBody> {
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  expect(response.headers.get('cache-control')).toBe('no-store');
  return (await response.json()) as ProblemBody;
}
