import { hash, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { readConfig } from '@rostrum/config';
import {
  createDatabase,
  createRedis,
  createRedisBus,
  type EventBus,
  type Redis,
  type Row,
} from '@rostrum/data-access';
import {
  createTestDatabase,
  createTestRedis,
  patientClient,
  recordingLogger,
  testTokens,
  waitFor,
  type RecordingLogger,
  type TestDatabase,
  type TestTokens,
} from '@rostrum/testing';
import type { Service } from '@rostrum/service-kit';
import { createPostsService, createPostsWorker } from '../src/composition-root';
import { mainSettings, workerSettings } from '../src/config';

const migrations = path.join(__dirname, '../migrations');

export interface AppOptions {
  /** Puts something between the service and its stores. */
  through?: (stores: { databaseUrl: string; redisUrl: string }) => Promise<Record<string, string>>;
}

interface CallerOptions {
  id: string;
  username: string;
  roles?: readonly string[];
}

interface AppParts {
  database: TestDatabase;
  redis: Redis;
  log: RecordingLogger;
  environment: Record<string, string>;
  tokens: TestTokens;
  /** Run in this order when the test is over. */
  ends: (() => Promise<unknown>)[];
}

/** The real service on free ports, with stores of its own, and people who call it. */
export class PostsApp {
  private readonly started: Service[] = [];
  readonly database: TestDatabase;
  readonly redis: Redis;
  readonly bus: EventBus;
  readonly log: RecordingLogger;
  url = '';
  opsUrl = '';
  workerOpsUrl = '';

  private constructor(private readonly parts: AppParts) {
    this.database = parts.database;
    this.redis = parts.redis;
    this.bus = createRedisBus({ redis: parts.redis });
    this.log = parts.log;
  }

  static async start({ through }: AppOptions = {}): Promise<PostsApp> {
    const database = await createTestDatabase('posts', migrations);
    const testRedis = await createTestRedis();
    const tokens = await testTokens();
    const redis = createRedis({ url: testRedis.url, ...patientClient });
    const log = recordingLogger({ service: 'posts' });
    const pictures = await mkdtemp(path.join(os.tmpdir(), 'rostrum-media-'));
    const stores = { databaseUrl: database.url, redisUrl: testRedis.url };
    const environment = {
      ENVIRONMENT: 'test',
      HOST: '127.0.0.1',
      PORT: '0',
      OPS_PORT: '0',
      DATABASE_URL: stores.databaseUrl,
      DATABASE_MAX_CONNECTIONS: '5',
      DATABASE_MIN_IDLE: '0',
      REDIS_URL: stores.redisUrl,
      JWT_ISSUER: tokens.issuer,
      JWT_AUDIENCE: tokens.audience,
      // Many people share one address here; the limits themselves have tests of their own.
      RATE_LIMIT_API_REQUESTS: '100000',
      RATE_LIMIT_AUTH_REQUESTS: '100000',
      JWKS_URL: tokens.jwksUrl,
      CURSOR_SECRET: 'c'.repeat(32),
      MEDIA_FOLDER: pictures,
      MEDIA_FOLDER_SECRET: 'm'.repeat(32),
      TRACING_ENABLED: 'false',
      SHUTDOWN_PROPAGATION_MS: '0',
      ...(await through?.(stores)),
    };
    const ends = [
      async () => redis.disconnect(),
      () => testRedis.close(),
      () => tokens.close(),
      () => database.drop(),
      () => rm(pictures, { recursive: true, force: true }),
      () => log.close(),
    ];
    const app = new PostsApp({ database, redis, log, environment, tokens, ends });
    const service = createPostsService(readConfig(mainSettings, environment), { logger: log.lent });
    app.started.push(service);
    const { port, opsPort } = await service.start();
    app.url = `http://127.0.0.1:${port}`;
    app.opsUrl = `http://127.0.0.1:${opsPort}`;
    return app;
  }

  /** A worker beside the service, with other settings than usual where they are given. */
  async startWorker(settings: Record<string, string> = {}): Promise<Service> {
    const environment = { ...this.parts.environment, ...settings };
    const worker = createPostsWorker(readConfig(workerSettings, environment), { logger: this.log.lent });
    this.started.push(worker);
    const { opsPort } = await worker.start();
    this.workerOpsUrl = `http://127.0.0.1:${opsPort}`;
    return worker;
  }

  /** What a process of its own has to be told to be one of this service's. */
  get environment(): Readonly<Record<string, string>> {
    return this.parts.environment;
  }

  async stop(): Promise<void> {
    for (const service of this.started.reverse()) await service.stop('the test is over');
    await this.admin?.close();
    for (const end of this.parts.ends) await end();
  }

  /** Somebody with an account. Names are made unique, so that tests of one file do not meet. */
  async person(name: string): Promise<Caller> {
    const username = `${name}_${randomUUID().slice(0, 8)}`;
    return this.caller({ id: randomUUID(), username });
  }

  async caller({ id, username, roles = ['user'] }: CallerOptions): Promise<Caller> {
    const token = await this.parts.tokens.sign({ userId: id, username, roles });
    return new Caller(id, username, { url: this.url, token });
  }

  /** What the worker does when auth says that somebody has registered. */
  async register(...people: Pick<Caller, 'id' | 'username'>[]): Promise<void> {
    for (const { id, username } of people) {
      await this.rows(
        `insert into posts.profiles (user_id, username, created_at) values ($1, $2, now())
         on conflict do nothing`,
        [id, username],
      );
    }
  }

  /** Somebody with an account that posts has heard of. */
  async member(name: string): Promise<Caller> {
    const caller = await this.person(name);
    await this.register(caller);
    return caller;
  }

  /** A member with the role; or somebody else, who is given it. */
  async moderator(name: string | Pick<Caller, 'id' | 'username'>): Promise<Caller> {
    const { id, username } = typeof name === 'string' ? await this.member(name) : name;
    return this.caller({ id, username, roles: ['user', 'moderator'] });
  }

  /**
   * Rows that are changed past the service, as a test's beginning: what had been cached is forgotten. Where there is a
   * route for it, tests use that.
   */
  async arrange(sql: string, values: unknown[] = []): Promise<void> {
    await this.rows(sql, values);
    const keys = await this.redis.keys('posts:cache:*');
    // Without the log of changes, what processes keep does not count either.
    await this.redis.del('posts:changes', ...keys);
  }

  /** Nobody. */
  anonymous(): Caller {
    return new Caller('', '', { url: this.url });
  }

  private admin: ReturnType<typeof createDatabase> | undefined;

  /** What really is in the tables. */
  async rows<T extends object = Row>(sql: string, values: unknown[] = []): Promise<T[]> {
    this.admin ??= createDatabase({ url: this.database.adminUrl, max: 2 });
    return (await this.admin.query<T>(hash('sha1', sql), sql, values)).rows;
  }

  /** The value of a series of the service, or of the worker: NaN where there is none. */
  async metric(series: string, opsUrl = this.opsUrl): Promise<number> {
    const text = await (await fetch(`${opsUrl}/metrics`)).text();
    const name = series.replace(/\{.*/, '');
    const labels = [...series.matchAll(/\w+="[^"]*"/g)].map(([label]) => label);
    const line = text
      .split('\n')
      .find((each) => /^\w+/.exec(each)?.[0] === name && labels.every((label) => each.includes(label)));
    return line ? Number(line.split(' ').at(-1)) : Number.NaN;
  }

  /** The access line of a request, which is written after its answer. */
  async linesOf(requestId: string) {
    return waitFor(() => {
      const lines = this.log.lines().filter((line) => line.request_id === requestId);
      return lines.some((line) => line.status !== undefined) && lines;
    });
  }
}

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  // What a route answers differs; tests say what they expect of it.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  json: any;
}

/** A client of the public port. */
export class Caller {
  constructor(
    readonly id: string,
    readonly username: string,
    private readonly how: { url: string; token?: string },
  ) {}

  get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.send('GET', path, { headers });
  }

  /** Where the service has what it calls by a path. */
  at(path: string): string {
    return new URL(path, this.how.url).href;
  }

  /** Publishes a post; `more` are other fields of the request. */
  async post(text: string, more: Record<string, unknown> = {}): Promise<Answer['json']> {
    const answer = await this.send('POST', '/api/v1/posts', { body: JSON.stringify({ text, ...more }) });
    if (answer.status !== 201) throw new Error(`The post was answered ${answer.status} ${answer.text}`);
    return answer.json;
  }

  follow(username: string): Promise<Answer> {
    return this.send('PUT', `/api/v1/users/${username}/follow`);
  }

  unfollow(username: string): Promise<Answer> {
    return this.send('DELETE', `/api/v1/users/${username}/follow`);
  }

  /** The answer to something that takes a JSON body, or none. */
  write(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return this.send(method, path, { headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
  }

  async send(
    method: string,
    path: string,
    {
      headers = {},
      body,
      signal,
      redirect,
    }: {
      headers?: Record<string, string>;
      body?: string;
      signal?: AbortSignal;
      redirect?: 'manual';
    } = {},
  ): Promise<Answer> {
    const response = await fetch(this.at(path), {
      method,
      headers: {
        ...(this.how.token && { authorization: `Bearer ${this.how.token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body }),
      ...(signal && { signal }),
      ...(redirect && { redirect }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: text ? JSON.parse(text) : undefined,
    };
  }
}
