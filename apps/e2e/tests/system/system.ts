import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
  createTestDatabase,
  createTestRedis,
  startPostgresServer,
  startRedisServer,
  type OwnServer,
} from '@rostrum/testing';
import { Agent, fetch, type RequestInit, type Response } from 'undici';
import { startGateway, type Gateway } from '../../src/gateway';
import { freePort, writeCertificate } from '../gateway/stage';
import { ServiceProcess } from './service-process';

type App = 'auth' | 'posts' | 'realtime';
const apps: readonly App[] = ['auth', 'posts', 'realtime'];

export interface SystemOptions {
  /** Instances of a service that is to have more than one. */
  instances?: Partial<Record<App, number>>;
  /** Servers of its own, which the test may freeze and kill; otherwise the ones that all tests share. */
  ownServers?: boolean;
  otlpEndpoint?: string;
  samplingRate?: number;
  /** Whether the gateway makes spans of its own; they carry more of a request's headers than ours. */
  gatewayTracing?: boolean;
  /** May depend on where the gateway is. */
  environment?: Record<string, string> | ((gatewayPort: number) => Record<string, string>);
}

export interface System {
  gateway: Gateway;
  /** Where the gateway reads its routes: it takes over what is put there. */
  routesFolder: string;
  mains: Record<App, ServiceProcess[]>;
  workers: Record<App, ServiceProcess>;
  postgres: OwnServer | undefined;
  redis: OwnServer | undefined;
  /** A request through the gateway, whose certificate it trusts. */
  ask(path: string, init?: RequestInit): Promise<Response>;
  processes(): ServiceProcess[];
  certificate: string;
  stop(): Promise<void>;
}

/** Everything, as it is deployed: built services, workers and the gateway, on ports that were free. */
export async function startSystem(options: SystemOptions = {}): Promise<System> {
  const undo: (() => unknown)[] = [];
  const stop = async () => {
    for (const step of undo.reverse().splice(0)) await step();
  };
  try {
    return { ...(await assemble(options, undo)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function assemble(options: SystemOptions, undo: (() => unknown)[]): Promise<Omit<System, 'stop'>> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'rostrum-system-'));
  undo.push(() => fs.rmSync(folder, { recursive: true, force: true }));
  const stores = await openStores(options.ownServers ?? false, undo);
  const httpsPort = await freePort();
  const { environment } = options;
  const common = {
    ...commonEnvironment(folder),
    REDIS_URL: stores.redisUrl,
    ...tracing(options),
    ...(typeof environment === 'function' ? environment(httpsPort) : environment),
  };
  const [authPort, postsPort] = [await freePort(), await freePort()];
  const make = async (app: App, command: 'main' | 'worker', port?: number) =>
    new ServiceProcess({
      app,
      command,
      port: port ?? (await freePort()),
      opsPort: await freePort(),
      environment: {
        ...common,
        DATABASE_URL: stores.databaseUrls[app],
        JWKS_URL: `http://127.0.0.1:${authPort}/.well-known/jwks.json`,
        ...(app === 'realtime' && { POSTS_URL: `http://127.0.0.1:${postsPort}` }),
      },
    });
  const mains: Record<App, ServiceProcess[]> = {
    auth: [await make('auth', 'main', authPort)],
    posts: [await make('posts', 'main', postsPort)],
    realtime: [],
  };
  for (const app of apps) {
    while (mains[app].length < (options.instances?.[app] ?? 1)) mains[app].push(await make(app, 'main'));
  }
  const workers = {
    auth: await make('auth', 'worker'),
    posts: await make('posts', 'worker'),
    realtime: await make('realtime', 'worker'),
  };
  const processes = () => [...Object.values(mains).flat(), ...Object.values(workers)];
  undo.push(() => Promise.all(processes().map((one) => one.stop('SIGKILL'))));
  await Promise.all(processes().map((one) => one.start()));
  const { gateway, certificate } = await openGateway({ folder, mains, options, httpsPort }, undo);
  const agent = new Agent({ connect: { ca: certificate } });
  undo.push(() => agent.close());
  return {
    gateway,
    routesFolder: path.join(folder, 'dynamic'),
    certificate,
    mains,
    workers,
    postgres: stores.postgres,
    redis: stores.redis,
    processes,
    ask: (target, init) => fetch(new URL(target, gateway.url), { ...init, dispatcher: agent }),
  };
}

/** A database for each service: they share nothing, so they may as well be apart. */
async function openStores(own: boolean, undo: (() => unknown)[]) {
  const [postgres, redis] = own
    ? await Promise.all([startPostgresServer(), startRedisServer()])
    : [undefined, undefined];
  undo.push(() => Promise.all([postgres?.stop(), redis?.stop()]));
  const databaseUrls = {} as Record<App, string>;
  for (const app of apps) {
    const migrations = path.resolve(__dirname, `../../../../dist/apps/${app}/migrations`);
    const database = await createTestDatabase(app, migrations, postgres && { adminUrl: postgres.url });
    if (!own) undo.push(() => database.drop());
    databaseUrls[app] = database.url;
  }
  if (redis) return { postgres, redis, redisUrl: redis.url, databaseUrls };
  const shared = await createTestRedis();
  undo.push(() => shared.close());
  return { postgres, redis, redisUrl: shared.url, databaseUrls };
}

function commonEnvironment(folder: string): Record<string, string> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const keyFile = path.join(folder, 'signing-key.pem');
  fs.writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  return {
    ENVIRONMENT: 'test',
    HOST: '127.0.0.1',
    TRUSTED_PROXIES: '127.0.0.1',
    DATABASE_MAX_CONNECTIONS: '5',
    DATABASE_MIN_IDLE: '1',
    JWT_ISSUER: 'https://auth.test',
    JWT_AUDIENCE: 'rostrum',
    // Everybody comes from one address here; the limits themselves have tests of their own.
    RATE_LIMIT_API_REQUESTS: '100000',
    RATE_LIMIT_AUTH_REQUESTS: '100000',
    JWT_SIGNING_KEY_FILE: keyFile,
    KMS_MASTER_KEY: `1:${randomBytes(32).toString('base64')}`,
    CURSOR_SECRET: randomBytes(32).toString('hex'),
    MEDIA_FOLDER: path.join(folder, 'media'),
    MEDIA_FOLDER_SECRET: randomBytes(32).toString('hex'),
    OPS_TOKEN: randomBytes(32).toString('hex'),
    AUTH_SECRET: `1:${randomBytes(32).toString('base64')}`,
    MAIL_FROM: 'Rostrum <no-reply@rostrum.test>',
    WEB_URL: 'https://rostrum.test',
    // Nobody answers there; tests that read mail name a server of their own.
    SMTP_URL: 'smtp://127.0.0.1:9',
    SMTP_REQUIRE_TLS: 'false',
    LOG_SAMPLE_FIRST: '0',
    LOG_SAMPLE_EVERY: '1',
    SHUTDOWN_PROPAGATION_MS: '2500',
  };
}

function tracing({
  otlpEndpoint,
  samplingRate = 1,
  gatewayTracing = false,
}: SystemOptions): Record<string, string> {
  if (otlpEndpoint === undefined) return { TRACING_ENABLED: 'false' };
  return {
    TRACING_ENABLED: 'true',
    OTLP_ENDPOINT: otlpEndpoint,
    TRACING_SAMPLING_RATE: String(samplingRate),
    TRACING_FOLLOW_PROXIES: String(gatewayTracing),
  };
}

interface GatewayParts {
  folder: string;
  mains: Record<App, ServiceProcess[]>;
  options: SystemOptions;
  httpsPort: number;
}

async function openGateway({ folder, mains, options, httpsPort }: GatewayParts, undo: (() => unknown)[]) {
  const tls = await writeCertificate(folder);
  const each = <T>(of: (one: ServiceProcess) => T) => ({
    auth: mains.auth.map(of),
    posts: mains.posts.map(of),
    realtime: mains.realtime.map(of),
  });
  const gateway = await startGateway({
    runDir: folder,
    ports: { https: httpsPort, http: await freePort(), internal: await freePort() },
    servers: each(({ url }) => url),
    healthPorts: each(({ opsPort }) => opsPort),
    tls,
    drainMs: 1000,
    // All of a test's requests come from one address; the limits have tests of their own.
    limits: { ratePerSecond: 0, inFlight: 0, sockets: 0 },
    ...(options.gatewayTracing && {
      otlpEndpoint: options.otlpEndpoint,
      samplingRate: options.samplingRate ?? 1,
    }),
  });
  undo.push(() => gateway.stop());
  return { gateway, certificate: fs.readFileSync(tls.certFile, 'utf8') };
}

export interface Person {
  id: string;
  username: string;
  token: string;
  headers: Record<string, string>;
}

/** Somebody who has registered and signed in, through the gateway. */
export async function signUp(
  system: Pick<System, 'ask'>,
  headers: Record<string, string> = {},
): Promise<Person> {
  const password = `${randomUUID()} horse`;
  const username = `p${randomUUID().replaceAll('-', '').slice(0, 16)}`;
  const json = { 'content-type': 'application/json' };
  const registered = await system.ask('/api/v1/auth/register', {
    method: 'POST',
    headers: { ...json, ...headers },
    body: JSON.stringify({ email: `${username}@example.com`, username, password }),
  });
  if (registered.status !== 201) throw new Error(`register: ${registered.status} ${await registered.text()}`);
  const login = await system.ask('/api/v1/auth/login', {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ identifier: username, password }),
  });
  const { accessToken, user } = (await login.json()) as { accessToken: string; user: { id: string } };
  return {
    id: user.id,
    username,
    token: accessToken,
    headers: { ...json, authorization: `Bearer ${accessToken}` },
  };
}
