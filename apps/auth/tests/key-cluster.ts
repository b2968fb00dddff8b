import { randomUUID } from 'node:crypto';
import {
  loggingSettings,
  portSettings,
  readConfig,
  serviceSettings,
  shutdownSettings,
  tokenSettings,
  tracingSettings,
} from '@rostrum/config';
import { defineRoute } from '@rostrum/contracts';
import { createRedis } from '@rostrum/data-access';
import {
  createTokenVerifier,
  remoteKeySet,
  RevocationList,
  type RevocationList as List,
} from '@rostrum/security';
import {
  createKit,
  createService,
  followRevocations,
  opsSettings,
  type Kit,
  type RouteBinder,
  type Service,
  type ServiceParts,
} from '@rostrum/service-kit';
import { createTestRedis, recordingLogger, type TestRedis } from '@rostrum/testing';
import { z } from 'zod';
import { composeKeyCare, composeKeys, type KeyCare } from '../src/compose-keys';
import { keySettings } from '../src/keys/key-settings';
import { newMasterKey, type Settings } from './auth-app';
import { AuthDatabase } from './auth-database';

const spec = {
  ...serviceSettings,
  ...loggingSettings,
  ...tracingSettings,
  ...shutdownSettings,
  ...opsSettings,
  ...portSettings(0, 0),
  ...tokenSettings,
  ...keySettings,
};

const route = { tags: ['test'], summary: 'A route of the tests' } as const;
const issueRoute = defineRoute({
  ...route,
  method: 'post',
  path: '/token',
  operationId: 'issue',
  auth: 'none',
  body: z.strictObject({ userId: z.uuid(), sessionId: z.uuid() }),
  responses: { 200: { description: 'A token', schema: z.object({ token: z.string() }) } },
});
const whoamiRoute = defineRoute({
  ...route,
  method: 'get',
  path: '/whoami',
  operationId: 'whoami',
  auth: 'user',
  responses: { 200: { description: 'Who calls', schema: z.object({ userId: z.string() }) } },
});

export interface Token {
  token: string;
  userId: string;
  sessionId: string;
  kid: string;
}

/** One process of the cluster. */
export class Member {
  constructor(
    readonly url: string,
    readonly opsUrl: string,
    private readonly service: Service,
  ) {}

  /** The status of a request with the token. */
  async ask({ token }: Pick<Token, 'token'>): Promise<number> {
    const response = await fetch(`${this.url}/whoami`, { headers: { authorization: `Bearer ${token}` } });
    await response.arrayBuffer();
    return response.status;
  }

  async issue(whose: { userId?: string; sessionId?: string } = {}): Promise<Token> {
    const subject = { userId: randomUUID(), sessionId: randomUUID(), ...whose };
    const response = await fetch(`${this.url}/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(subject),
    });
    if (response.status !== 200) throw new Error(`No token: ${response.status} ${await response.text()}`);
    const { token } = (await response.json()) as { token: string };
    const { kid } = JSON.parse(Buffer.from(String(token.split('.')[0]), 'base64url').toString()) as {
      kid: string;
    };
    return { token, kid, ...subject };
  }

  async published(): Promise<{ kids: string[]; cacheControl: string | null }> {
    const response = await fetch(`${this.url}/.well-known/jwks.json`);
    const { keys } = (await response.json()) as { keys: { kid: string }[] };
    return { kids: keys.map(({ kid }) => kid), cacheControl: response.headers.get('cache-control') };
  }

  async readiness(): Promise<{ degraded: string[]; status: number }> {
    const response = await fetch(`${this.opsUrl}/readyz`);
    return { degraded: [], ...((await response.json()) as object), status: response.status };
  }

  async stop(): Promise<void> {
    await this.service.stop('the test is over');
  }
}

/** Processes that issue tokens from one database, and processes that only verify them. */
export class KeyCluster {
  private readonly members: Member[] = [];
  readonly log = recordingLogger({ service: 'auth' });

  private constructor(
    readonly store: AuthDatabase,
    private readonly testRedis: TestRedis,
    readonly settings: Settings,
  ) {}

  static async create(settings: Settings = {}): Promise<KeyCluster> {
    return new KeyCluster(await AuthDatabase.create(), await createTestRedis(), {
      ENVIRONMENT: 'test',
      HOST: '127.0.0.1',
      TRACING_ENABLED: 'false',
      SHUTDOWN_PROPAGATION_MS: '0',
      PORT: '0',
      OPS_PORT: '0',
      JWT_ISSUER: 'https://auth.test',
      JWT_AUDIENCE: 'rostrum',
      JWKS_MAX_AGE: '1',
      KMS_MASTER_KEY: newMasterKey(),
      ...settings,
    });
  }

  get redisUrl(): string {
    return this.testRedis.url;
  }

  /** What a command has at hand, with settings of its own. */
  care(settings: Settings = {}): KeyCare {
    const onRevoked = () => undefined;
    const options = { database: this.store.database, list: new RevocationList(), onRevoked };
    return composeKeyCare(this.kit('auth'), this.config(settings), options);
  }

  async issuer(settings: Settings = {}, redisUrl = this.redisUrl): Promise<Member> {
    const kit = this.kit('auth');
    const redis = createRedis({ url: redisUrl });
    const keys = composeKeys(kit, this.config(settings), { database: this.store.database, redis });
    return this.start(kit, {
      dependencies: [keys.dependency],
      tokens: keys.tokens,
      work: keys.work,
      resources: [{ name: 'redis', close: () => redis.disconnect() }],
      routes: (binder) => {
        keys.routes(binder);
        binder.bind(whoamiRoute, ({ user }) => ({ status: 200, body: { userId: user.userId } }));
        binder.bind(issueRoute, async ({ body }) => ({
          status: 200,
          body: { token: await keys.signer.sign({ ...body, username: 'ada', roles: ['user'] }) },
        }));
      },
    });
  }

  async verifier(
    issuerUrl: string,
    { redisUrl = this.redisUrl, onList }: { redisUrl?: string; onList?: (list: List) => void } = {},
  ): Promise<Member> {
    const kit = this.kit('posts');
    const redis = createRedis({ url: redisUrl });
    const jwksUrl = `${issuerUrl}/.well-known/jwks.json`;
    const keys = remoteKeySet(jwksUrl);
    const { revocations, work, dependency } = followRevocations(kit, { redis, jwksUrl, keys, fetch });
    onList?.(revocations);
    return this.start(kit, {
      dependencies: [dependency],
      tokens: createTokenVerifier({ issuer: 'https://auth.test', audience: 'rostrum', keys, revocations }),
      work: [work],
      resources: [{ name: 'redis', close: () => redis.disconnect() }],
      routes: (binder: RouteBinder) =>
        binder.bind(whoamiRoute, ({ user }) => ({ status: 200, body: { userId: user.userId } })),
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.members.map((member) => member.stop()));
    await this.testRedis.close();
    await this.store.close();
    await this.log.close();
  }

  private config(settings: Settings) {
    return readConfig(spec, { ...this.settings, ...settings });
  }

  private kit(service: 'auth' | 'posts'): Kit {
    return createKit({ service, role: 'main' }, this.config({}), { logger: this.log.lent });
  }

  private async start(kit: Kit, parts: ServiceParts): Promise<Member> {
    const service = createService(kit, parts);
    const { port, opsPort } = await service.start();
    const member = new Member(`http://127.0.0.1:${port}`, `http://127.0.0.1:${opsPort}`, service);
    this.members.push(member);
    return member;
  }
}
