import { generateKeyPairSync } from 'node:crypto';
import {
  readConfig,
  portSettings,
  loggingSettings,
  serviceSettings,
  shutdownSettings,
  tracingSettings,
} from '@rostrum/config';
import { defineRoute } from '@rostrum/contracts';
import { problems } from '@rostrum/errors';
import { createAccessTokenSigner, createTokenVerifier, localKeySet } from '@rostrum/security';
import { z } from 'zod';
import {
  createKit,
  createService,
  opsSettings,
  type KitOverrides,
  type RouteBinder,
  type ServiceParts,
} from '../src/index';

export const opsToken = 'o'.repeat(40);

export const kitSpec = {
  ...serviceSettings,
  ...loggingSettings,
  ...tracingSettings,
  ...shutdownSettings,
  ...opsSettings,
  ...portSettings(0, 0),
};

export const testEnvironment = {
  ENVIRONMENT: 'test',
  HOST: '127.0.0.1',
  LOG_OUTPUT: '/dev/null',
  TRACING_ENABLED: 'false',
  SHUTDOWN_PROPAGATION_MS: '0',
  SHUTDOWN_DRAIN_MS: '1000',
  SHUTDOWN_MAX_MS: '5000',
  OPS_TOKEN: opsToken,
};

const item = z.object({ id: z.string(), text: z.string() });
const route = { tags: ['test'], summary: 'A route of the tests' } as const;

export const getItem = defineRoute({
  ...route,
  method: 'get',
  path: '/api/v1/items/:id',
  operationId: 'getItem',
  auth: 'user',
  params: z.strictObject({ id: z.string().regex(/^[a-z]+$/) }),
  query: z.strictObject({ limit: z.coerce.number().int().max(100).default(20) }),
  responses: { 200: { description: 'The item', schema: item } },
});

export const createItem = defineRoute({
  ...route,
  method: 'post',
  path: '/api/v1/items',
  operationId: 'createItem',
  auth: 'none',
  body: z.strictObject({ text: z.string().max(100) }),
  bodyLimit: '1kb',
  responses: { 201: { description: 'The item', schema: item, headers: { Location: 'Where it is' } } },
});

/** Answers with bytes that are ready to be sent, so many times over. */
export const readyItem = defineRoute({
  ...route,
  method: 'get',
  path: '/api/v1/ready-items',
  operationId: 'getReadyItem',
  auth: 'none',
  query: z.strictObject({ times: z.coerce.number().int() }),
  responses: { 200: { description: 'The item', schema: item } },
});

export const readyText = 'né 👩‍👩‍👧‍👦 \u2028 ';

export const upload = defineRoute({
  ...route,
  method: 'put',
  path: '/api/v1/upload',
  operationId: 'upload',
  auth: 'none',
  body: z.strictObject({ data: z.string() }),
  responses: { 204: { description: 'Taken' } },
});

export const fail = defineRoute({
  ...route,
  method: 'get',
  path: '/api/v1/fail/:how',
  operationId: 'fail',
  auth: 'none',
  params: z.strictObject({ how: z.enum(['sync', 'async', 'string', 'contract', 'unavailable', 'wait']) }),
  responses: { 200: { description: 'Never', schema: item } },
});

/** Lets a test hold requests in flight. */
export class Gate {
  private readonly opened = Promise.withResolvers<void>();
  waiting = 0;

  async pass(): Promise<void> {
    this.waiting += 1;
    await this.opened.promise;
  }

  open(): void {
    this.opened.resolve();
  }
}

function bindTestRoutes(binder: RouteBinder, gate: Gate): void {
  binder.bind(getItem, ({ params }) => ({ status: 200, body: { id: params.id, text: 'hello' } }));
  binder.bind(createItem, async ({ body }) => {
    await Promise.resolve();
    return { status: 201, body: { id: 'a', text: body.text }, headers: ['Location', '/api/v1/items/a'] };
  });
  binder.bind(readyItem, ({ query }) => ({
    status: 200,
    raw: Buffer.from(JSON.stringify({ id: 'a', text: readyText.repeat(query.times) })),
  }));
  binder.bind(upload, () => ({ status: 204 }));
  binder.bind(fail, async ({ params }) => {
    switch (params.how) {
      case 'contract':
        return { status: 200, body: { id: 'a' } as never };
      case 'string':
        // eslint-disable-next-line @typescript-eslint/only-throw-error -- somebody's library will
        throw 'select * from secrets';
      case 'async':
        await Promise.resolve();
        throw new Error('password=hunter2');
      case 'unavailable':
        throw problems.unavailable('postgres', 3, new Error('connect ECONNREFUSED'));
      case 'wait':
        await gate.pass();
        return { status: 200, body: { id: 'a', text: 'late' } };
      default:
        throw new Error('password=hunter2');
    }
  });
}

const issuer = 'https://auth.test';
const audience = 'rostrum';

/** A small service with everything the kit gives, on free ports. */
export async function startTestService(
  parts: Partial<ServiceParts> = {},
  environment: Record<string, string> = {},
  overrides: KitOverrides = {},
) {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const privateKeyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const signer = await createAccessTokenSigner({ privateKeyPem, issuer, audience, ttlSeconds: 900 });
  const tokens = createTokenVerifier({ issuer, audience, keys: localKeySet({ keys: [signer.publicJwk] }) });
  const gate = new Gate();
  const kit = createKit(
    { service: 'posts', role: 'main' },
    readConfig(kitSpec, { ...testEnvironment, ...environment }),
    overrides,
  );
  const service = createService(kit, {
    dependencies: [],
    resources: [],
    tokens,
    routes: (binder) => bindTestRoutes(binder, gate),
    ...parts,
  });
  const { port, opsPort } = await service.start();
  return {
    service,
    gate,
    port: port as number,
    url: `http://127.0.0.1:${port}`,
    opsUrl: `http://127.0.0.1:${opsPort}`,
    /** With `csrf` it is one that travels in a cookie. */
    token: (csrf?: string) =>
      signer.sign({
        userId: crypto.randomUUID(),
        sessionId: crypto.randomUUID(),
        username: 'ada',
        roles: ['user'],
        csrf,
      }),
  };
}

export type TestService = Awaited<ReturnType<typeof startTestService>>;
