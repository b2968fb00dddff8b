import { randomUUID } from 'node:crypto';
import { streams, userRegistered } from '@rostrum/contracts';
import { createNatsBus, type EventBus } from '@rostrum/data-access';
import { publishedEvents, startNatsServer, waitFor, type OwnServer } from '@rostrum/testing';
import { PostsApp } from './posts-app';

let app: PostsApp;
let nats: OwnServer;
let bus: EventBus;

beforeAll(async () => {
  nats = await startNatsServer();
  bus = createNatsBus({ servers: [nats.url] });
  app = await PostsApp.start({
    through: () => Promise.resolve({ EVENT_BUS: 'nats', NATS_URL: nats.url }),
  });
  await app.startWorker();
}, 60_000);
afterAll(async () => {
  await app.stop();
  await bus.close();
  await nats.stop();
});

it('the worker sends its events and handles those of others over NATS, where that is the bus', async () => {
  const ada = await app.person('ada');
  const written = await ada.post('By another way');
  const events = await waitFor(async () => {
    const found = await publishedEvents(bus, streams.posts);
    return found.length > 0 && found;
  });
  expect(events).toMatchObject([{ type: 'post.created', key: ada.id, payload: { postId: written.id } }]);

  const userId = randomUUID();
  const username = `new_${userId.slice(0, 8)}`;
  await bus.publish(streams.auth, [
    {
      ...{ id: randomUUID(), type: userRegistered.type, version: 1, key: userId },
      occurredAt: new Date().toISOString(),
      payload: JSON.stringify({ userId, username, registeredAt: '2026-01-02T03:04:05.678Z' }),
    },
  ]);
  await waitFor(async () => (await ada.follow(username)).status === 204);
});

it('is degraded, not dead, while NATS is gone, and loses nothing', async () => {
  const readiness = async () =>
    (await (await fetch(`${app.workerOpsUrl}/readyz`)).json()) as { status: string; degraded: string[] };
  const ada = await app.person('ada');
  await nats.kill();
  await waitFor(async () => (await readiness()).degraded.includes('nats'), { timeoutMs: 20_000 });
  expect(await readiness()).toMatchObject({ status: 'degraded', degraded: ['nats'] });
  await ada.post('Nobody hears this yet');
  await nats.restart();
  await waitFor(async () => (await readiness()).status === 'ready', { timeoutMs: 20_000 });
  await waitFor(
    async () => (await publishedEvents(bus, streams.posts)).filter(({ key }) => key === ada.id).length === 1,
    { timeoutMs: 20_000 },
  );
});
