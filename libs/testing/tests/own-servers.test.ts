import net from 'node:net';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { startNatsServer, startPostgresServer, startRedisServer, waitFor, type OwnServer } from '../src';

async function selectOne(url: string): Promise<unknown> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 300, query_timeout: 300 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query<{ one: number }>('select 1 as one')).rows[0]?.one;
  } finally {
    void client.end().catch(() => undefined);
  }
}

async function ping(url: string): Promise<string> {
  const client = new Redis(url, { retryStrategy: null, connectTimeout: 300, commandTimeout: 300 });
  client.on('error', () => undefined);
  try {
    return await client.ping();
  } finally {
    client.disconnect();
  }
}

/** What a NATS server says first: whether it keeps streams. */
function greeting(url: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port: Number(new URL(url).port), host: '127.0.0.1', timeout: 300 });
    socket.once('timeout', () => socket.destroy(new Error('It says nothing')));
    socket.once('error', reject);
    socket.once('data', (chunk) => {
      socket.destroy();
      resolve(
        (JSON.parse(/^INFO (.*)/.exec(String(chunk))?.[1] ?? '{}') as { jetstream?: boolean }).jetstream,
      );
    });
  });
}

interface Kind {
  name: string;
  start: () => Promise<OwnServer>;
  ask: (url: string) => Promise<unknown>;
  answer: unknown;
}

const kinds: Kind[] = [
  { name: 'PostgreSQL', start: startPostgresServer, ask: selectOne, answer: 1 },
  { name: 'Redis', start: () => startRedisServer(), ask: ping, answer: 'PONG' },
  { name: 'NATS', start: startNatsServer, ask: greeting, answer: true },
];

describe.each(kinds)('$name of the test’s own', ({ start, ask, answer }) => {
  it('can be frozen, killed, brought back at the same address, and ended', async () => {
    const server = await start();
    expect(await ask(server.url)).toBe(answer);
    await server.pause();
    // A process of several threads may say one thing more.
    await waitFor(() =>
      ask(server.url).then(
        () => false,
        () => true,
      ),
    );
    await server.resume();
    await waitFor(async () => (await ask(server.url)) === answer);
    await server.kill();
    await expect(ask(server.url)).rejects.toThrow();
    await server.restart();
    expect(await ask(server.url)).toBe(answer);
    await server.pause();
    await server.stop();
    await expect(ask(server.url)).rejects.toThrow();
  });
});

it.each([
  [true, 'value'],
  [false, null],
])('a Redis that is persistent: %s has %s after a restart', async (persistent, expected) => {
  const server = await startRedisServer({ persistent });
  const client = new Redis(server.url);
  client.on('error', () => undefined);
  await client.set('key', 'value');
  await server.restart();
  await waitFor(async () => (await client.ping()) === 'PONG');
  expect(await client.get('key')).toBe(expected);
  client.disconnect();
  await server.stop();
});
