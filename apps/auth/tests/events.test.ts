import { streams, userRegistered } from '@rostrum/contracts';
import { closeRedis, createRedis } from '@rostrum/data-access';
import { waitFor } from '@rostrum/testing';
import { startAuth, type AuthApp } from './auth-app';

let app: AuthApp;

beforeAll(async () => {
  app = await startAuth();
});
afterAll(() => app.stop());

it('the worker sends what has happened, also before it was there, in its order', async () => {
  const earlier = await app.register();
  await app.startWorker();
  const later = await app.register();

  const redis = createRedis({ url: app.redisUrl });
  const entries = await waitFor(
    async () => {
      const found = await redis.xrange(streams.auth, '-', '+');
      return found.length >= 2 && found;
    },
    { what: 'two events in the stream' },
  );
  await closeRedis(redis);
  const events = entries.map(([, fields]) =>
    Object.fromEntries(
      Array.from({ length: fields.length / 2 }, (_, i) => [fields[2 * i], fields[2 * i + 1]]),
    ),
  );
  expect(events.map(({ key }) => key)).toEqual([earlier.id, later.id]);
  for (const { type, version, traceparent, payload } of events) {
    expect({ type, version }).toEqual({ type: 'user.registered', version: '1' });
    expect(traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
    userRegistered.payload.strict().parse(JSON.parse(String(payload)));
  }
  expect(JSON.stringify(events)).not.toContain('example.com');
});
