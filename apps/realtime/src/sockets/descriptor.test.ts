import { once } from 'node:events';
import { fstatSync } from 'node:fs';
import net, { type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Duplex } from 'node:stream';
import tls from 'node:tls';
import { waitFor } from '@rostrum/testing';
import { descriptorOf, noDescriptor, writeTo } from './descriptor';

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

/** Both ends of a connection, of which the client does not read yet. */
async function connect(pipe?: string): Promise<{ own: Socket; client: Socket }> {
  if (!server.listening) {
    server.listen(pipe === undefined ? { port: 0, host: '127.0.0.1' } : { path: pipe });
    await once(server, 'listening');
  }
  const accepted = once(server, 'connection');
  const client = net.connect(
    pipe === undefined ? { port: (server.address() as AddressInfo).port } : { path: pipe },
  );
  const [own] = (await accepted) as [Socket];
  sockets.push(own, client);
  return { own, client };
}

const nobody = { descriptorClosed: () => undefined };

describe('a descriptor', () => {
  it('takes what there is room for, and then nothing', async () => {
    const { own, client } = await connect();
    const descriptor = descriptorOf(own, nobody);
    // Where this fails on another Node, all is written by way of the stream: right, but slower.
    expect(descriptor).toBeGreaterThan(noDescriptor);
    expect(writeTo(descriptor, Buffer.from('hello'))).toBe(5);
    for (let taken = -1; taken !== 0;) taken = writeTo(descriptor, large);
    client.resume();
    await waitFor(() => writeTo(descriptor, large) > 0);
  });

  it.each<[string, (own: Socket, client: Socket) => void]>([
    ['destroyed', (own) => own.destroy()],
    ['destroyed for an error', (own) => own.destroy(new Error('it is over'))],
    ['reset', (own) => own.resetAndDestroy()],
    ['ended by both', (own, client) => void [own.resume().end(), client.end()]],
    ['hung up by the client', (own, client) => void [own.resume(), client.destroy()]],
    ['reset by the client', (own, client) => void [own.resume(), client.resetAndDestroy()]],
  ])('is told of while it is still its own when the socket is %s', async (_, end) => {
    const { own, client } = await connect();
    own.on('error', () => undefined);
    client.on('error', () => undefined);
    const wasOpen: boolean[] = [];
    const descriptor = descriptorOf(own, {
      descriptorClosed: () => void wasOpen.push(fstatSync(descriptor).isSocket()),
    });
    end(own, client);
    await waitFor(() => own.closed);
    expect(wasOpen).toEqual([true]);
  });

  it('is had of connections alone, not of what is encrypted or is no connection', async () => {
    const { own } = await connect();
    const secure = new tls.TLSSocket(own, { isServer: true });
    sockets.push(secure);
    expect(descriptorOf(secure, nobody)).toBe(noDescriptor);
    expect(descriptorOf(new Duplex() as Socket, nobody)).toBe(noDescriptor);
  });

  it('is had once: nobody else would be told', async () => {
    const { own } = await connect();
    expect(descriptorOf(own, nobody)).not.toBe(noDescriptor);
    expect(descriptorOf(own, nobody)).toBe(noDescriptor);
  });

  it('is not had of pipes', async () => {
    const { own } = await connect(path.join(tmpdir(), `descriptor-${process.pid}.socket`));
    expect(descriptorOf(own, nobody)).toBe(noDescriptor);
  });
});
