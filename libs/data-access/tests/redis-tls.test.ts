import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { createTestRedis, waitFor, type TestRedis } from '@rostrum/testing';
import { generate } from 'selfsigned';
import { closeRedis, createRedis, createSubscriber, type RedisConnection } from '../src';

interface Pair {
  cert: string;
  key: string;
}

let redis: TestRedis;
let server: tls.Server;
let own: Pair;
let clients: Pair;
let url: string;

async function pairFor(name: string): Promise<Pair> {
  const made = await generate([{ name: 'commonName', value: name }], {
    keySize: 2048,
    algorithm: 'sha256',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: name }] }],
  });
  return { cert: made.cert, key: made.private };
}

beforeAll(async () => {
  redis = await createTestRedis();
  [own, clients] = await Promise.all([pairFor('redis.test'), pairFor('posts')]);
  const target = new URL(redis.url);
  // A Redis that wants to know who connects.
  server = tls.createServer({ ...own, ca: clients.cert, requestCert: true }, (socket) => {
    const plain = net.connect(Number(target.port), target.hostname);
    socket.pipe(plain).pipe(socket);
    for (const each of [socket, plain]) each.on('error', () => plain.destroy());
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `rediss://127.0.0.1:${(server.address() as net.AddressInfo).port}${target.pathname}`;
});
afterAll(async () => {
  server.close();
  await redis.close();
});

async function connects(connection: RedisConnection): Promise<boolean> {
  const client = createRedis({ ...connection, commandTimeoutMs: 2_000 });
  try {
    return (await client.ping()) === 'PONG';
  } catch {
    return false;
  } finally {
    await closeRedis(client);
  }
}

it('is entered over TLS, with a certificate of our own, by whoever knows its authority and its name', async () => {
  const full = { ca: own.cert, servername: 'redis.test', ...clients };
  expect(await connects({ url, tls: full })).toBe(true);
  expect(await connects({ url, tls: { servername: 'redis.test', ...clients } })).toBe(false);
  expect(await connects({ url, tls: { ca: own.cert, ...clients } })).toBe(false);
  expect(await connects({ url, tls: { ca: own.cert, servername: 'redis.test' } })).toBe(false);
  expect(await connects({ url: url.replace('rediss:', 'redis:') })).toBe(false);
});

it('so are the connections for channels', async () => {
  const client = createRedis({ url, tls: { ca: own.cert, servername: 'redis.test', ...clients } });
  const heard: string[] = [];
  const subscriber = createSubscriber({ redis: client, onMessage: (_channel, text) => heard.push(text) });
  await waitFor(() => subscriber.ready);
  await subscriber.subscribe('tls-news');
  await client.publish('tls-news', 'hello');
  await waitFor(() => heard.includes('hello'));
  subscriber.close();
  await closeRedis(client);
});
