import { generateKeyPairSync, randomUUID } from 'node:crypto';
import http from 'node:http';
import {
  loggingSettings,
  portSettings,
  rateLimitSettings,
  readConfig,
  serviceSettings,
  shutdownSettings,
  tracingSettings,
} from '@rostrum/config';
import { closeRedis, createRedis, whenRedisReady } from '@rostrum/data-access';
import { createAccessTokenSigner, createTokenVerifier, localKeySet } from '@rostrum/security';
import { recordingLogger, type RecordingLogger } from '@rostrum/testing';
import { createKit, createService, openLimits, opsSettings } from '../src/index';
import { bindLimitedRoutes, type Handled } from './limited-routes';
import { testEnvironment } from './test-service';

const spec = {
  ...serviceSettings,
  ...loggingSettings,
  ...tracingSettings,
  ...shutdownSettings,
  ...opsSettings,
  ...rateLimitSettings,
  ...portSettings(0, 0),
};

const issuer = 'https://auth.test';
const audience = 'rostrum';
const signing = createAccessTokenSigner({
  privateKeyPem: generateKeyPairSync('rsa', { modulusLength: 2048 })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString(),
  issuer,
  audience,
  ttlSeconds: 900,
});

/** Somebody with an account: the value of their Authorization header. */
export async function newUser(): Promise<string> {
  const identity = { userId: randomUUID(), sessionId: randomUUID(), username: 'ada', roles: ['user'] };
  return `Bearer ${await (await signing).sign(identity)}`;
}

export interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  // Problems and answers of routes; tests say what they expect.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  json: any;
}

interface Ask {
  method?: string;
  headers?: Record<string, string>;
  body?: object;
}

/** More patience with Redis than a service has: on a busy machine, exact counts need Redis to decide every time. */
export const patient = { commandTimeoutMs: 1_500, RATE_LIMIT_REDIS_TIMEOUT_MS: '1500' };

interface LimitedOptions {
  commandTimeoutMs?: number;
  [name: string]: unknown;
}

/** One instance of a service with every kind of limit, which asks the given Redis. */
export async function startLimitedService(redisUrl: string, options: LimitedOptions = {}) {
  const log = recordingLogger({ service: 'posts' });
  try {
    return await start(log, redisUrl, options);
  } catch (error) {
    await log.close();
    throw error;
  }
}

async function start(
  log: RecordingLogger,
  redisUrl: string,
  { commandTimeoutMs, ...environment }: LimitedOptions,
) {
  const config = readConfig(spec, { ...testEnvironment, ...(environment as Record<string, string>) });
  const kit = createKit({ service: 'posts', role: 'main' }, config, { logger: log.lent });
  const redis = createRedis({ url: redisUrl, ...(commandTimeoutMs && { commandTimeoutMs }) });
  await whenRedisReady(redis);
  const handled: Handled = [];
  const keys = localKeySet({ keys: [(await signing).publicJwk] });
  const service = createService(kit, {
    dependencies: [],
    resources: [{ name: 'redis', close: () => closeRedis(redis) }],
    tokens: createTokenVerifier({ issuer, audience, keys }),
    limits: openLimits(kit, redis, config),
    routes: (binder) => bindLimitedRoutes(binder, redis, handled),
  });
  const { port, opsPort } = await service.start();
  const agent = new http.Agent({ keepAlive: true, maxSockets: 50 });
  const opsUrl = `http://127.0.0.1:${opsPort}`;
  return {
    handled,
    log,
    redis,
    ask: (path: string, options: Ask = {}) => ask({ agent, port: port as number, path }, options),
    async asUser(user: string, path = '/api/v1/items/a', headers: Record<string, string> = {}) {
      return this.ask(path, { headers: { authorization: user, ...headers } });
    },
    async signIn(headers: Record<string, string> = {}) {
      return this.ask('/api/v1/login', { method: 'POST', body: { text: 'pass' }, headers });
    },
    async rejections(policy: string, reason: string): Promise<number> {
      const metrics = await (await fetch(`${opsUrl}/metrics`)).text();
      const line = metrics.split('\n').find((each) => {
        const isSeries = each.startsWith('rate_limit_rejections_total{');
        return isSeries && each.includes(`policy="${policy}"`) && each.includes(`reason="${reason}"`);
      });
      return Number(line?.split(' ').at(-1));
    },
    async stop() {
      agent.destroy();
      await service.stop('the test is over');
      await log.close();
    },
  };
}

export type LimitedService = Awaited<ReturnType<typeof startLimitedService>>;

interface Target {
  agent: http.Agent;
  port: number;
  path: string;
}

/** Not fetch, which would refuse or add headers of its own. */
function ask({ agent, port, path }: Target, { method = 'GET', headers = {}, body }: Ask): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const content = body && JSON.stringify(body);
    const request = http.request({
      host: '127.0.0.1',
      agent,
      port,
      path,
      method,
      headers: { ...(content !== undefined && { 'content-type': 'application/json' }), ...headers },
    });
    request.on('error', reject).on('response', (response) => {
      let received = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (received += chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          json: received ? JSON.parse(received) : undefined,
        }),
      );
    });
    request.end(content);
  });
}

/** So many requests, some of them at once. */
export async function many<T>(count: number, one: (index: number) => Promise<T>, atOnce = 20): Promise<T[]> {
  const results: T[] = [];
  for (let start = 0; start < count; start += atOnce) {
    const indexes = Array.from({ length: Math.min(atOnce, count - start) }, (_, offset) => start + offset);
    results.push(...(await Promise.all(indexes.map(one))));
  }
  return results;
}

export function statuses(answers: readonly Answer[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
