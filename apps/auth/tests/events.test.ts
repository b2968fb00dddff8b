import { streams, userRegistered } from '@rostrum/contracts';
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
