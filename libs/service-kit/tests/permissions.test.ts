import { defineRoute } from '@rostrum/contracts';
import { createTokenVerifier, remoteKeySet } from '@rostrum/security';
import { testTokens, type TestTokens } from '@rostrum/testing';
import { z } from 'zod';
import { startTestService, type TestService } from './test-service';

const moderate = defineRoute({
  method: 'post',
  path: '/api/v1/moderate',
  operationId: 'moderate',
  tags: ['test'],
  summary: 'A route of the tests',
  auth: 'user',
  permission: 'content.moderate',
  body: z.strictObject({ id: z.string() }),
  responses: { 204: { description: 'Done' } },
});

let issuer: TestTokens;
let service: TestService;
let handled = 0;

beforeAll(async () => {
  issuer = await testTokens();
  service = await startTestService({
    tokens: createTokenVerifier({
      issuer: issuer.issuer,
      audience: issuer.audience,
      keys: remoteKeySet(issuer.jwksUrl),
    }),
    routes: (binder) =>
      binder.bind(moderate, () => {
        handled += 1;
        return { status: 204 };
      }),
  });
});
afterAll(async () => {
  await service.service.stop('the test is over');
  await issuer.close();
});

async function ask(roles: string[] | undefined, body = '{"id":"a"}') {
  const response = await fetch(`${service.url}/api/v1/moderate`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(roles && (await issuer.headers({ roles }))) },
    body,
  });
  return [response.status, ((await response.json().catch(() => ({}))) as { code?: string }).code];
}

it.each<[string[] | undefined, number, string | undefined]>([
  [undefined, 401, 'UNAUTHORIZED'],
  [[], 403, 'FORBIDDEN'],
  [['user'], 403, 'FORBIDDEN'],
  [['Moderator', 'root'], 403, 'FORBIDDEN'],
  [['user', 'moderator'], 204, undefined],
  [['admin'], 204, undefined],
])('a caller with the roles %j gets %d', async (roles, status, code) => {
  const before = handled;
  expect(await ask(roles)).toEqual([status, code]);
  expect(handled - before).toBe(status === 204 ? 1 : 0);
});

it('who may not do it is not told what is wrong with the body', async () => {
  expect(await ask(['user'], '{"wrong":1}')).toEqual([403, 'FORBIDDEN']);
  expect(await ask(['moderator'], '{"wrong":1}')).toEqual([400, 'VALIDATION_FAILED']);
});

it.each([
  ['that is not in the policy', { ...moderate, permission: 'content.moderat' }],
  ['without a token to show it', { ...moderate, auth: 'none' as const }],
])('a permission %s is told at boot', async (_, contract) => {
  const start = startTestService({
    routes: (binder) => binder.bind(contract as typeof moderate, () => ({ status: 204 })),
  });
  await expect(start).rejects.toThrow('moderate asks for the permission');
});
