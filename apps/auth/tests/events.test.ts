import { streams, userRegistered, userRestored, userSuspended } from '@rostrum/contracts';
import { createRedisBus } from '@rostrum/data-access';
import { publishedEvents, waitFor } from '@rostrum/testing';
import { AuthApp } from './auth-app';

let app: AuthApp;

beforeAll(async () => {
  app = await AuthApp.start();
});
afterAll(() => app.stop());

it('the worker sends what has happened, also before it was there, in its order', async () => {
  const earlier = await app.person();
  await app.startWorker();
  const later = await app.person();

  const bus = createRedisBus({ redis: app.redis });
  const events = await waitFor(
    async () => {
      const found = await publishedEvents(bus, streams.auth);
      return found.length >= 2 && found;
    },
    { what: 'two events in the stream' },
  );
  expect(events.map(({ key }) => key)).toEqual([earlier.id, later.id]);
  for (const { type, version, traceparent, payload } of events) {
    expect([type, version]).toEqual(['user.registered', 1]);
    expect(traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
    userRegistered.payload.strict().parse(payload);
  }
  expect(JSON.stringify(events)).not.toContain('example.com');
});

it('tells other services once that somebody is suspended, and that they are restored', async () => {
  const [root, ada] = [await app.person(), await app.person()];
  await app.rows(`update auth.users set roles = '{user,admin}' where id = $1`, [root.id]);
  const token = await app.tokenOf(root);
  const change = (what: string, body?: object) =>
    app.post(`/api/v1/auth/admin/users/${ada.id}/${what}`, body, { token });
  const { json: suspended } = await change('suspend', { reason: 'spam' });
  expect((await change('suspend', { reason: 'spam again' })).status).toBe(200);
  expect((await change('restore')).status).toBe(200);
  expect((await change('restore')).status).toBe(200);
  expect((await change('suspend', { reason: 'at last' })).status).toBe(200);

  const bus = createRedisBus({ redis: app.redis });
  const told = await waitFor(
    async () => {
      const found = (await publishedEvents(bus, streams.auth)).filter(({ key }) => key === ada.id);
      return found.length >= 4 && found;
    },
    { what: 'the events about one person' },
  );
  const [, first, second, third] = told;
  expect(told.map(({ type }) => type)).toEqual([
    'user.registered',
    'user.suspended',
    'user.restored',
    'user.suspended',
  ]);
  expect(userSuspended.payload.strict().parse(first?.payload)).toEqual({
    userId: ada.id,
    suspendedAt: suspended.suspendedAt,
  });
  expect(userRestored.payload.strict().parse(second?.payload).userId).toBe(ada.id);
  expect(userSuspended.payload.strict().parse(third?.payload).userId).toBe(ada.id);
  expect(JSON.stringify(told)).not.toContain('spam');
});
