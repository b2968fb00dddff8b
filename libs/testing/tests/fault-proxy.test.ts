import { once } from 'node:events';
import net from 'node:net';
import { startFaultProxy, waitFor, type FaultProxy } from '../src';

let server: net.Server;
let proxy: FaultProxy;
let received: string;
const clients: net.Socket[] = [];

beforeEach(async () => {
  received = '';
  server = net.createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      received += String(chunk);
      socket.write(`you said ${String(chunk)}`);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  proxy = await startFaultProxy({ target: `127.0.0.1:${(server.address() as net.AddressInfo).port}` });
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await proxy.close();
  await new Promise((resolve) => server.close(resolve));
});

interface Conversation {
  socket: net.Socket;
  heard(): string;
  error(): string | undefined;
}

async function connect(): Promise<Conversation> {
  const socket = net.connect(proxy.port, proxy.host);
  clients.push(socket);
  let heard = '';
  let error: string | undefined;
  socket.on('data', (chunk) => (heard += String(chunk)));
  socket.on('error', (cause: NodeJS.ErrnoException) => (error = cause.code));
  await once(socket, 'connect');
  return { socket, heard: () => heard, error: () => error };
}

/** Long enough for bytes on loopback to arrive, were they let through. */
const aWhile = () => new Promise((resolve) => setTimeout(resolve, 60));

it('is transparent, and gives its address in place of the target’s', async () => {
  const { socket, heard } = await connect();
  socket.write('hello');
  await waitFor(() => heard() === 'you said hello');
  expect(proxy.connections()).toBe(1);
  expect(proxy.urlFor('postgres://me:secret@db.example:5432/things?x=1')).toBe(
    `postgres://me:secret@127.0.0.1:${proxy.port}/things?x=1`,
  );
  socket.destroy();
  await waitFor(() => proxy.connections() === 0);
});

it('refuses new connections and cuts old ones, until it heals', async () => {
  const { error } = await connect();
  await proxy.refuse();
  await waitFor(() => error() === 'ECONNRESET');
  await expect(connect()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await proxy.heal();
  const { socket, heard } = await connect();
  socket.write('again');
  await waitFor(() => heard() === 'you said again');
});

it('holds bytes back and lets them go', async () => {
  const { socket, heard } = await connect();
  proxy.pause();
  socket.write('hello');
  await aWhile();
  expect(received).toBe('');
  await proxy.heal();
  await waitFor(() => heard() === 'you said hello');
});

it('pauses one direction alone', async () => {
  const { socket, heard } = await connect();
  proxy.pause('toClient');
  socket.write('hello');
  await waitFor(() => received === 'hello');
  await aWhile();
  expect(heard()).toBe('');
});

it('makes bytes late and keeps their order', async () => {
  const { socket, heard } = await connect();
  proxy.delay(100, 'toServer');
  const started = performance.now();
  socket.write('one');
  await new Promise((resolve) => setImmediate(resolve));
  socket.write('two');
  await waitFor(() => received === 'onetwo');
  expect(performance.now() - started).toBeGreaterThanOrEqual(95);
  await waitFor(() => heard().endsWith('two'));
});

it('lets nothing overtake what is late', async () => {
  const { socket } = await connect();
  for (let i = 0; i < 3; i += 1) {
    proxy.delay(500, 'toServer');
    socket.write('one');
    await aWhile();
    await proxy.heal();
    socket.write('two');
    await waitFor(() => received.endsWith('two'));
  }
  expect(received).toBe('onetwo'.repeat(3));
});

it('resets connections', async () => {
  const { error } = await connect();
  proxy.reset();
  await waitFor(() => error() === 'ECONNRESET');
  await connect();
});

it('resets a connection in the middle of an answer', async () => {
  const { socket, heard, error } = await connect();
  proxy.resetMidReply(4);
  socket.write('hello');
  await waitFor(() => error() === 'ECONNRESET');
  expect(heard().length).toBeLessThanOrEqual(4);
});

it('leaves connections dead that were open while the route was lost, and new ones alive', async () => {
  const dead = await connect();
  proxy.halfOpen();
  dead.socket.write('lost');
  await aWhile();
  await proxy.heal();
  dead.socket.write('still lost');
  const living = await connect();
  living.socket.write('hello');
  await waitFor(() => living.heard() === 'you said hello');
  expect(received).toBe('hello');
  expect(dead.heard()).toBe('');
  expect(dead.error()).toBeUndefined();
});
