import { defineRoute } from '@rostrum/contracts';
import type { Redis } from '@rostrum/data-access';
import { problems } from '@rostrum/errors';
import { z } from 'zod';
import { ProvisionalReply, type RouteBinder } from '../src/index';

const about = { tags: ['test'], summary: 'A route of the tests' } as const;
const text = z.object({ text: z.string() });
const ok = { 200: { description: 'It', schema: text } } as const;

export const cachedRead = defineRoute({
  ...about,
  method: 'get',
  path: '/api/v1/items/:id',
  operationId: 'cachedRead',
  auth: 'user',
  params: z.strictObject({ id: z.string().regex(/^[a-z]+$/) }),
  responses: ok,
});

const known = {
  ...about,
  method: 'get',
  auth: 'none',
  params: z.object({ id: z.string() }),
  responses: ok,
  problems: { 404: ['NOT_FOUND'] },
} as const;

export const knownRead = defineRoute({ ...known, path: '/api/v1/known/:id', operationId: 'knownRead' });

export const knownFreely = defineRoute({
  ...known,
  path: '/api/v1/known-freely/:id',
  operationId: 'knownFreely',
  rateLimit: 'none',
});

export const write = defineRoute({
  ...about,
  method: 'post',
  path: '/api/v1/items',
  operationId: 'write',
  auth: 'user',
  body: text,
  responses: ok,
});

export const openRead = defineRoute({
  ...about,
  method: 'get',
  path: '/api/v1/open',
  operationId: 'openRead',
  auth: 'none',
  responses: ok,
});

export const login = defineRoute({
  ...about,
  method: 'post',
  path: '/api/v1/login',
  operationId: 'login',
  auth: 'none',
  rateLimit: 'auth',
  body: text,
  responses: ok,
});

export const changePassword = defineRoute({
  ...about,
  method: 'post',
  path: '/api/v1/password',
  operationId: 'changePassword',
  auth: 'user',
  rateLimit: 'auth',
  body: text,
  responses: ok,
});

export const free = defineRoute({
  ...about,
  method: 'get',
  path: '/api/v1/free',
  operationId: 'free',
  auth: 'none',
  rateLimit: 'none',
  responses: ok,
});

/** What handlers have been started for, in order. */
export type Handled = string[];

export function bindLimitedRoutes(binder: RouteBinder, redis: Redis, handled: Handled): void {
  const answer = (body: string) => ({ status: 200, body: { text: body } }) as const;
  binder.bind(
    cachedRead,
    async ({ params: { id } }) => {
      handled.push(id);
      if (id === 'missing') throw problems.notFound('item');
      const [cached] = await redis.mget(id).catch(() => [null]);
      return answer(cached ?? `loaded ${id}`);
    },
    { startsWithRead: true },
  );
  const provisional = (id: string) =>
    new ProvisionalReply(
      answer(`remembered ${id}`),
      { check: (told) => void setImmediate(() => told(id === 'same')) },
      async () => {
        handled.push(id);
        if (id === 'missing') throw problems.notFound('item');
        return answer(`read ${id}`);
      },
    );
  binder.bind(knownRead, ({ params: { id } }) => provisional(id), { startsWithRead: true });
  binder.bind(knownFreely, ({ params: { id } }) => provisional(id));
  binder.bind(write, ({ body }) => {
    handled.push(body.text);
    return answer(body.text);
  });
  binder.bind(openRead, () => answer('open'));
  binder.bind(login, ({ body }) => {
    handled.push(body.text);
    return answer('welcome');
  });
  binder.bind(changePassword, () => answer('changed'));
  binder.bind(free, () => answer('free'));
}
