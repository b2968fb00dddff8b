import { randomUUID } from 'node:crypto';
import { streams, userRegistered } from '@rostrum/contracts';
import { waitFor } from '@rostrum/testing';
import { PostsApp } from './posts-app';

const token = 'o'.repeat(32);

let app: PostsApp;

beforeAll(async () => {
  app = await PostsApp.start({ through: () => Promise.resolve({ OPS_TOKEN: token }) });
  await app.startWorker();
});
afterAll(() => app.stop());

async function ask(route: string, authorization = `Bearer ${token}`) {
  const [method = 'GET', path = ''] = route.split(' ');
  const response = await fetch(app.workerOpsUrl + path, { method, headers: { authorization } });
  // Each test says what it expects of it.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  return { status: response.status, body: (await response.json()) as any };
}

/** A registration whose version nobody knows yet. */
async function giveUpOne(): Promise<string> {
  const id = randomUUID();
  const payload = { userId: randomUUID(), username: 'somebody', registeredAt: new Date().toISOString() };
  await app.bus.publish(streams.auth, [
    {
      ...{ id, type: userRegistered.type, version: 99, key: 'any', occurredAt: new Date().toISOString() },
      payload: JSON.stringify(payload),
    },
  ]);
  return waitFor(
    async () => {
      const letters = await app.bus.deadLetters(streams.auth, 'posts').list();
      return letters.find(({ event }) => event?.id === id)?.id;
    },
    { what: 'the dead letter' },
  );
}

it('dead letters can be seen, replayed and discarded on the worker’s ops port, and the log says who was there', async () => {
  const [first, second] = [await giveUpOne(), await giveUpOne()];
  const waiting = `event_dead_letters_waiting{stream="${streams.auth}"}`;
  await waitFor(async () => (await app.metric(waiting, app.workerOpsUrl)) === 2, {
    what: 'both to be told of',
  });

  const list = await ask('GET /admin/dead-letters?from=auth&limit=1');
  expect(list.status).toBe(200);
  expect(list.body).toMatchObject({ count: 2, letters: [{ id: first, event: { version: 99 } }] });
  const next = await ask(`GET /admin/dead-letters?from=auth&after=${first}`);
  expect(next.body.letters).toMatchObject([{ id: second }]);

  expect(await ask(`POST /admin/dead-letters/discard?from=auth&id=${first}`)).toMatchObject({
    status: 200,
    body: { done: 'discard', letter: { id: first, type: userRegistered.type } },
  });
  expect((await ask(`POST /admin/dead-letters/discard?from=auth&id=${first}`)).status).toBe(404);
  expect(await ask(`POST /admin/dead-letters/replay?from=auth&id=${second}`)).toMatchObject({ status: 200 });
  // Nobody knows its version now either, so it comes back.
  await waitFor(async () => (await app.metric(waiting, app.workerOpsUrl)) === 1);

  const noted = app.log.lines().filter(({ message }) => message.startsWith('Dead letter: '));
  expect(noted).toMatchObject([
    { message: 'Dead letter: discard', dead_letter: first, from: 'auth' },
    { message: 'Dead letter: replay', dead_letter: second, from: 'auth' },
  ]);
});

it('nobody else gets at them, and mistakes are told', async () => {
  expect((await ask('GET /admin/dead-letters?from=auth', 'Bearer guess')).status).toBe(403);
  expect((await ask('GET /admin/dead-letters')).body).toEqual({
    error: '?from= must be one of auth, posts',
  });
  expect((await ask('GET /admin/dead-letters?from=realtime')).status).toBe(400);
  expect((await ask('POST /admin/dead-letters/replay?from=auth&id=nonsense')).status).toBe(404);
  expect((await ask('POST /admin/dead-letters/replay?from=auth')).status).toBe(404);
});
