import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { readConfig } from '@rostrum/config';
import { streams } from '@rostrum/contracts';
import {
  createRedis,
  createRedisBus,
  withClient,
  type EventBus,
  type Redis,
  type Row,
} from '@rostrum/data-access';
import type { KitOverrides, Service } from '@rostrum/service-kit';
import {
  createTestDatabase,
  createTestRedis,
  patientClient,
  recordingLogger,
  testTokens,
  type RecordingLogger,
  type TestClaims,
  type TestDatabase,
  type TestTokens,
  waitFor,
} from '@rostrum/testing';
import { createRealtimeService, createRealtimeWorker } from '../src/composition-root';
import { mainSettings, workerSettings } from '../src/config';
import { channels } from '../src/live/channel-names';
import type { LogSettings } from '../src/live/event-log';
import type { LiveEvent } from '../src/live/live-event';
import { LivePublisher } from '../src/live/live-publisher';
import { LiveClient, type ClientOptions } from './live-client';
import { PostsStub } from './posts-stub';

const migrations = path.join(__dirname, '../migrations');

type Environment = Record<string, string>;

export interface AppOptions {
  environment?: Environment;
  /** In place of the suite's own database on the shared server. */
  redisUrl?: string;
  /** The same, of a cluster. */
  clusterNodes?: readonly { host: string; port: number }[];
  /** Of the logs that `publishTo` writes. */
  live?: Partial<LogSettings>;
}

export interface Person {
  id: string;
  username: string;
  token: string;
}

/** One process of the service, as far as a test can tell. */
export class Instance {
  constructor(
    readonly service: Service,
    readonly url: string,
    readonly opsUrl: string,
  ) {}

  get socketUrl(): string {
    return `${this.url.replace('http', 'ws')}/ws`;
  }

  connect({ token }: Person, options: ClientOptions = {}): Promise<LiveClient> {
    return LiveClient.open(this.socketUrl, { token, ...options });
  }

  /** The value of a series: NaN where there is none. */
  async metric(series: string): Promise<number> {
    const text = await (await fetch(`${this.opsUrl}/metrics`)).text();
    const name = series.replace(/\{.*/, '');
    const labels = [...series.matchAll(/\w+="[^"]*"/g)].map(([label]) => label);
    const line = text
      .split('\n')
      .find((each) => /^\w+/.exec(each)?.[0] === name && labels.every((label) => each.includes(label)));
    return line ? Number(line.split(' ').at(-1)) : Number.NaN;
  }

  async probe(name: 'healthz' | 'readyz'): Promise<number> {
    return (await fetch(`${this.opsUrl}/${name}`)).status;
  }

  /** Asks, as somebody or nobody, for a route such as `GET /path`. */
  async send(person: Person | undefined, route: string, body?: unknown) {
    const [method, path] = route.split(' ') as [string, string];
    const response = await fetch(this.url + path, {
      method,
      headers: {
        ...(person && { authorization: `Bearer ${person.token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    // What a route answers differs; tests say what they expect of it.
    // eslint-disable-next-line @typescript-eslint/no-explicit-any
    const json: any = text ? JSON.parse(text) : undefined;
    return { status: response.status, headers: response.headers, json };
  }
}

interface Ground {
  database: TestDatabase;
  redis: Redis;
  tokens: TestTokens;
  log: RecordingLogger;
  environment: Environment;
  live: Partial<LogSettings>;
  posts: PostsStub;
  ends: (() => Promise<unknown>)[];
}

/** The stores and keys that any number of instances and workers of one test file share. */
export class RealtimeApp {
  readonly database: TestDatabase;
  readonly redis: Redis;
  readonly bus: EventBus;
  readonly tokens: TestTokens;
  readonly log: RecordingLogger;
  readonly live: LivePublisher;
  /** In place of the posts service. */
  readonly posts: PostsStub;
  private readonly started: Service[] = [];

  private constructor(private readonly ground: Ground) {
    ({ database: this.database, redis: this.redis, tokens: this.tokens, log: this.log } = ground);
    this.posts = ground.posts;
    this.bus = createRedisBus({ redis: ground.redis });
    this.live = new LivePublisher(ground.redis, {
      maxEvents: 500,
      windowSeconds: 600,
      positionSeconds: 3600,
      ...ground.live,
    });
  }

  static async create(options: AppOptions = {}): Promise<RealtimeApp> {
    const { environment = {}, live = {} } = options;
    const database = await createTestDatabase('realtime', migrations);
    const redisStage = await openRedis(options);
    const tokens = await testTokens();
    const posts = await PostsStub.start();
    const log = recordingLogger({ service: 'realtime' });
    const { redis } = redisStage;
    const ends = [
      async () => redis.disconnect(),
      redisStage.close,
      () => tokens.close(),
      () => posts.close(),
      () => database.drop(),
      () => log.close(),
    ];
    const settings = {
      ENVIRONMENT: 'test',
      HOST: '127.0.0.1',
      PORT: '0',
      OPS_PORT: '0',
      DATABASE_URL: database.url,
      DATABASE_MAX_CONNECTIONS: '5',
      DATABASE_MIN_IDLE: '0',
      ...redisStage.environment,
      // A machine that is busy is no Redis that is away.
      REDIS_COMMAND_TIMEOUT_MS: '5000',
      JWT_ISSUER: tokens.issuer,
      JWT_AUDIENCE: tokens.audience,
      // Many people share one address here; the limits themselves have tests of their own.
      RATE_LIMIT_API_REQUESTS: '100000',
      RATE_LIMIT_AUTH_REQUESTS: '100000',
      RATE_LIMIT_WEBSOCKET_HANDSHAKES: '10000',
      WEBSOCKET_MAX_CONNECTIONS_PER_ADDRESS: '100000',
      JWKS_URL: tokens.jwksUrl,
      POSTS_URL: posts.url,
      CURSOR_SECRET: 'c'.repeat(32),
      TRACING_ENABLED: 'false',
      SHUTDOWN_PROPAGATION_MS: '0',
      WEBSOCKET_ALLOWED_ORIGINS: 'https://app.test,https://admin.test:8443',
      ...environment,
    };
    return new RealtimeApp({ database, redis, tokens, log, environment: settings, live, posts, ends });
  }

  /** A process that serves. */
  async instance(environment: Environment = {}, overrides: KitOverrides = {}): Promise<Instance> {
    const config = readConfig(mainSettings, { ...this.ground.environment, ...environment });
    return this.start(createRealtimeService(config, { logger: this.log.lent, ...overrides }));
  }

  async worker(environment: Environment = {}): Promise<Instance> {
    const config = readConfig(workerSettings, { ...this.ground.environment, ...environment });
    return this.start(createRealtimeWorker(config, { logger: this.log.lent }));
  }

  async stop(): Promise<void> {
    for (const service of this.started.reverse()) {
      const { stuck } = await service.stop('the test is over');
      if (stuck !== undefined) throw new Error(`The shutdown of a service was not clean: ${stuck}`);
    }
    for (const end of this.ground.ends) await end();
  }

  async person(name: string, claims: Pick<TestClaims, 'ttlSeconds' | 'roles'> = {}): Promise<Person> {
    const id = randomUUID();
    const username = `${name}_${id.slice(0, 8)}`;
    return { id, username, token: await this.tokens.sign({ userId: id, username, ...claims }) };
  }

  /** Says what the posts service says when somebody follows somebody. Resolves with the event's id. */
  async follow(follower: Person, followee: Person, eventId: string = randomUUID()): Promise<string> {
    const payload = {
      followerId: follower.id,
      followerUsername: follower.username,
      followeeId: followee.id,
      followedAt: '2026-11-20T12:00:00.000Z',
    };
    await this.publish('user.followed', { eventId, key: followee.id, payload });
    return eventId;
  }

  /** Puts an event into the stream of the posts service, as its relay does. */
  async publish(
    type: string,
    event: { eventId: string; key: string; payload: unknown; version?: number; traceparent?: string },
  ): Promise<void> {
    const { eventId: id, key, payload, version = 1, traceparent } = event;
    await this.bus.publish(streams.posts, [
      {
        ...{ id, type, version, key, occurredAt: new Date().toISOString(), payload: JSON.stringify(payload) },
        ...(traceparent !== undefined && { traceparent }),
      },
    ]);
  }

  /** Once all that was published has been handled. The bus is asked itself: a gauge keeps its value when Redis is slow. */
  async allHandled(): Promise<void> {
    const lags = () =>
      Promise.all([streams.posts, streams.auth].map((from) => this.bus.lag(from, 'realtime')));
    await waitFor(async () => (await lags()).every((lag) => lag === 0), {
      what: 'all events handled',
      timeoutMs: 30_000,
    });
  }

  /** Says something on the person's own channel, as the worker does. Resolves with the event's id. */
  async publishToUser({ id }: Pick<Person, 'id'>, event: Partial<LiveEvent> = {}): Promise<string> {
    return this.publishTo(channels.user(id), event);
  }

  async publishTo(channel: string, event: Partial<LiveEvent> = {}): Promise<string> {
    const whole = { id: randomUUID(), name: 'news', data: {}, time: new Date().toISOString(), ...event };
    await this.live.toChannel(channel, whole);
    return whole.id;
  }

  /** What really is in the tables. */
  async rows<T extends Row = Row>(sql: string, values: unknown[] = []): Promise<T[]> {
    return withClient(this.database.adminUrl, async (client) => (await client.query<T>(sql, values)).rows);
  }

  private async start(service: Service): Promise<Instance> {
    this.started.push(service);
    const { port, opsPort } = await service.start();
    return new Instance(service, `http://127.0.0.1:${port}`, `http://127.0.0.1:${opsPort}`);
  }
}

/** What processes are told of it, and a client for the test. */
async function openRedis({ redisUrl, clusterNodes }: AppOptions) {
  if (clusterNodes) {
    const nodes = clusterNodes.map(({ host, port }) => `${host}:${port}`).join(',');
    return {
      redis: createRedis({ clusterNodes, ...patientClient }),
      environment: { REDIS_CLUSTER_NODES: nodes },
      close: () => Promise.resolve(),
    };
  }
  const own = redisUrl === undefined ? await createTestRedis() : undefined;
  const url = redisUrl ?? (own?.url as string);
  return {
    redis: createRedis({ url, ...patientClient }),
    environment: { REDIS_URL: url },
    close: async () => own?.close(),
  };
}
