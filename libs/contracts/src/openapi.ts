import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
  type ZodOpenApiResponsesObject,
} from 'zod-openapi';
import { z } from 'zod';
import { authRoutes } from './auth.contract';
import { authCookies, csrfHeader } from './auth-cookies.contract';
import { problemSchema } from './common';
import { isOptional, type ResponseContract, type RouteContract } from './define-route';
import { postsRoutes } from './posts.contract';
import { realtimeRoutes } from './realtime.contract';

export type ServiceName = 'auth' | 'posts' | 'realtime';

/** Every route of every service. */
export const serviceRoutes: Record<ServiceName, readonly RouteContract[]> = {
  auth: authRoutes,
  posts: postsRoutes,
  realtime: realtimeRoutes,
};

/** Problems that a route may answer because of its shape rather than its purpose. */
function generalProblems(route: RouteContract): Record<number, string[]> {
  return {
    ...((route.params ?? route.query ?? route.body ?? route.idempotent) && { 400: ['VALIDATION_FAILED'] }),
    ...(route.idempotent && { 409: ['IDEMPOTENCY_KEY_IN_FLIGHT'], 422: ['IDEMPOTENCY_KEY_REUSED'] }),
    ...(route.body && { 413: ['PAYLOAD_TOO_LARGE'], 415: ['UNSUPPORTED_MEDIA_TYPE'] }),
    ...(route.auth === 'user' && { 401: ['UNAUTHORIZED'] }),
    ...(forbiddenFor(route).length > 0 && { 403: forbiddenFor(route) }),
    ...(route.rateLimit !== 'none' && { 429: ['TOO_MANY_REQUESTS'] }),
    500: ['INTERNAL_ERROR'],
    503: ['SERVICE_UNAVAILABLE'],
  };
}

function forbiddenFor({ auth, method, permission }: RouteContract): string[] {
  const byCookie = auth === 'user' && method !== 'get' ? ['CROSS_SITE_REQUEST', 'CSRF_TOKEN_INVALID'] : [];
  return permission === undefined ? byCookie : [...byCookie, 'FORBIDDEN'];
}

function problemResponses(route: RouteContract): ZodOpenApiResponsesObject {
  const codes = new Map<string, string[]>();
  for (const source of [generalProblems(route), route.problems ?? {}]) {
    for (const [status, names] of Object.entries(source))
      codes.set(status, [...(codes.get(status) ?? []), ...names]);
  }
  return Object.fromEntries(
    [...codes].map(([status, names]) => [
      status,
      {
        description: names.join(', '),
        content: { 'application/problem+json': { schema: problemSchema } },
        ...(status === '429' && { headers: limitHeaderReferences }),
        ...(status === '409' && route.idempotent && { headers: inFlightHeaders }),
      },
    ]),
  );
}

function response({ description, schema, headers: own }: ResponseContract, idempotent = false) {
  const headers = idempotent ? { ...own, ...replayHeader } : own;
  return {
    description,
    ...(schema && { content: { 'application/json': { schema } } }),
    ...(headers && { headers: headersOf(headers) }),
  };
}

/** Every answer of a limited route has these, and a 429 says when to come back. */
const limitHeaders = {
  'Retry-After': 'Seconds until a request is admitted',
  'X-RateLimit-Limit': 'Requests that are admitted per window',
  'X-RateLimit-Remaining': 'Requests that would be admitted now',
  'X-RateLimit-Reset': 'When there are more, in seconds since 1970',
  RateLimit:
    'The same as an item of draft-ietf-httpapi-ratelimit-headers: r remaining, t seconds until there are more',
  'RateLimit-Policy': 'The policy: q requests in w seconds',
};

const inFlightHeaders = headersOf({ 'Retry-After': 'Seconds until to ask again for the first answer' });

const replayHeader = { 'Idempotency-Replayed': '`true` where it is the kept answer of a request before' };

const idempotencyHeader = z.object({
  'Idempotency-Key': z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/)
    .optional()
    .meta({
      description:
        'New for each thing to be done, the same when it is tried again: within 24 hours it is done once and answered the same',
      example: '0190b5a0-5f8e-7000-8000-3c2f1e0d9b8a',
    }),
});

const limitHeaderReferences = Object.fromEntries(
  Object.keys(limitHeaders).map((name) => [name, { $ref: `#/components/headers/${name}` } as const]),
);

function headersOf(meanings: Record<string, string>) {
  return Object.fromEntries(
    Object.entries(meanings).map(([name, meaning]) => [
      name,
      { description: meaning, schema: { type: 'string' as const } },
    ]),
  );
}

function operation(route: RouteContract): ZodOpenApiOperationObject {
  const successes = Object.entries(route.responses).map(([status, contract]) => [
    status,
    response(contract, route.idempotent),
  ]);
  return {
    operationId: route.operationId,
    summary: route.summary,
    ...(route.description !== undefined && { description: route.description }),
    tags: [...route.tags],
    security: route.auth === 'user' ? [{ bearer: [] }, cookieSecurity(route)] : [],
    requestParams: {
      ...(route.params && { path: route.params as never }),
      ...(route.query && { query: route.query as never }),
      ...(route.idempotent && { header: idempotencyHeader }),
    },
    ...(route.body && {
      requestBody: {
        required: !isOptional(route.body),
        content: { 'application/json': { schema: route.body } },
      },
    }),
    responses: { ...problemResponses(route), ...Object.fromEntries(successes) },
  };
}

const securitySchemes = {
  bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
  cookie: { type: 'apiKey', in: 'cookie', name: authCookies.access },
  csrf: { type: 'apiKey', in: 'header', name: csrfHeader },
} as const;

function cookieSecurity({ method }: RouteContract): Record<string, string[]> {
  return method === 'get' ? { cookie: [] } : { cookie: [], csrf: [] };
}

/** The OpenAPI 3.1 document of one service. */
export function openApiDocument(service: ServiceName) {
  const paths: ZodOpenApiPathsObject = {};
  for (const route of serviceRoutes[service]) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method]: operation(route) };
  }
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: `Rostrum ${service}`,
      version: '1',
      description:
        'Errors are RFC 9457 problems; every response carries X-Request-Id, and what is left of its rate limit.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'The gateway' }],
    paths,
    components: { securitySchemes, headers: headersOf(limitHeaders) },
  });
}
