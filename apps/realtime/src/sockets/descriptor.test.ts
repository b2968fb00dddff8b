import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Duplex } from 'node:stream';
import tls from 'node:tls';
import { waitFor } from '@rostrum/testing';
import { Descriptor } from './descriptor';
import { frameOfText } from './frame';
import { Outbox } from './outbox';
import { Outflow } from './outflow';

const maxBytes = 16_777_216;
const large = Buffer.alloc(65_536, 'x');

let server: net.Server;
let sockets: Socket[];

beforeEach(() => {
  server = net.createServer();
  sockets = [];
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  if (server.listening) await new Promise((resolve) => server.close(resolve));
});

function portOf(listening: net.Server): number {
  return (listening.address() as AddressInfo).port;
}

/** Both ends of a connection, of which the client does not read yet. */
async function connect(pipe?: string): Promise<{ own: Socket; client: Socket }> {
  if (!server.listening) {
    server.listen(pipe === undefined ? { port: 0, host: '127.0.0.1' } : { path: pipe });
    await once(server, 'listening');
  }
  const accepted = once(server, 'connection');
  const client = net.connect(pipe === undefined ? { port: portOf(server) } : { path: pipe });
  const [own] = (await accepted) as [Socket];
  sockets.push(own, client);
  return { own, client };
}

function descriptorOf(socket: Socket): Descriptor {
  const descriptor = Descriptor.of(socket);
  // Where this fails on another Node, all is written by way of the stream: right, but slower.
  if (!descriptor) throw new Error('Nothing to write to');
  return descriptor;
}

/** Resolves with what comes until there is so much of it. */
async function read(client: Socket, length: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of client.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    parts.push(part);
    size += part.length;
    if (size >= length) break;
  }
  return Buffer.concat(parts);
}

/** How much was taken until nothing was. */
function fill(descriptor: Descriptor): number {
  let sum = 0;
  for (let taken = -1; taken !== 0; sum += taken) taken = descriptor.write(large);
  return sum;
}

describe('a descriptor', () => {
  it('takes what there is room for, and then nothing', async () => {
    const { own, client } = await connect();
    const descriptor = descriptorOf(own);
    expect(descriptor.write(Buffer.from('hello'))).toBe(5);
    const sum = 5 + fill(descriptor);
    expect((await read(client, sum)).length).toBe(sum);
    await waitFor(() => descriptor.write(large) > 0);
  });

  it('takes nothing before what the stream has', async () => {
    const { own, client } = await connect();
    const descriptor = descriptorOf(own);
    own.cork();
    own.write('first, ');
    expect(descriptor.write(Buffer.from('too early'))).toBe(0);
    own.uncork();
    await waitFor(() => own.writableLength === 0);
    expect(descriptor.write(Buffer.from('second'))).toBe(6);
    expect((await read(client, 13)).toString()).toBe('first, second');
  });

  it('takes nothing in the turn in which the connection is closed: its number may be another one’s', async () => {
    const { own } = await connect();
    const descriptor = descriptorOf(own);
    own.destroy();
    const other = await connect();
    expect(descriptor.write(Buffer.from('not for you'))).toBe(0);
    expect(descriptorOf(other.own).write(Buffer.from('for you'))).toBe(7);
    expect((await read(other.client, 7)).toString()).toBe('for you');
  });

  it('is had of connections alone, not of what is encrypted or is no connection', async () => {
    const { own } = await connect();
    expect(Descriptor.of(own)).toBeDefined();
    const secure = new tls.TLSSocket(own, { isServer: true });
    sockets.push(secure);
    expect(Descriptor.of(secure)).toBeUndefined();
    expect(Descriptor.of(new Duplex() as Socket)).toBeUndefined();
  });

  it('is not had of pipes', async () => {
    const { own } = await connect(path.join(tmpdir(), `descriptor-${process.pid}.socket`));
    expect(Descriptor.of(own)).toBeUndefined();
  });
});

describe('an outbox that writes to it', () => {
  const outflow = () => new Outflow({ onSent: () => undefined, gatherMs: 1 });

  it('sends all in order to who reads late, in whatever pieces it is taken', async () => {
    const { own, client } = await connect();
    const outbox = new Outbox(own, outflow());
    const frames = Array.from({ length: 60 }, (_, i) => frameOfText('event', `${i} `.repeat(40_000)));
    let sum = 0;
    for (const frame of frames) {
      expect(outbox.add(frame, maxBytes)).toBe(true);
      sum += frame.wire.length;
    }
    expect(outbox.size).toBeGreaterThan(0);
    const received = await read(client, sum);
    expect(received.equals(Buffer.concat(frames.map(({ wire }) => wire)))).toBe(true);
    expect(outbox.size).toBe(0);
  });

  it('leaves it to the stream to end a connection that is lost', async () => {
    const { own, client } = await connect();
    const outbox = new Outbox(own, outflow());
    const failed = once(own, 'error');
    client.resetAndDestroy();
    await waitFor(() => {
      outbox.write(large);
      return own.destroyed;
    });
    expect((await failed)[0]).toMatchObject({ code: expect.stringMatching(/^(ECONNRESET|EPIPE)$/) });
    expect(() => outbox.write(large)).not.toThrow();
  });

  it('does not take for old what waits anew whenever one looks', async () => {
    const { own, client } = await connect();
    client.resume();
    const clock = outflow();
    const outbox = new Outbox(own, clock);
    const frame = frameOfText('event', 'news');
    for (let now = 1; now < 100; now += 10) {
      outbox.add(frame, maxBytes);
      outbox.add(frame, maxBytes);
      expect(outbox.size).toBeGreaterThan(0);
      expect(outbox.isOlderThan(5, now)).toBe(false);
      const { round } = clock;
      await waitFor(() => clock.round >= round + 2 && outbox.size === 0, { everyMs: 1 });
    }
  });
});
