import { streams, userRegistered } from '@rostrum/contracts';
import { waitFor } from '@rostrum/testing';
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

  const entries = await waitFor(
    async () => {
      const found = await app.redis.xrange(streams.auth, '-', '+');
      return found.length >= 2 && found;
    },
    { what: 'two events in the stream' },
  );
  const events = entries.map(([, fields]) =>
    Object.fromEntries(Array.from({ length: fields.length / 2 }, (_, i) => fields.slice(2 * i, 2 * i + 2))),
  );
  expect(events.map(({ key }) => key)).toEqual([earlier.id, later.id]);
  for (const { type, version, traceparent, payload } of events) {
    expect([type, version]).toEqual(['user.registered', '1']);
    expect(traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
    userRegistered.payload.strict().parse(JSON.parse(payload));
  }
  expect(JSON.stringify(entries)).not.toContain('example.com');
});
