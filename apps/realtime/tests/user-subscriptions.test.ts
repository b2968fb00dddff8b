import { once } from 'node:events';
import net from 'node:net';
import { waitFor } from '@rostrum/testing';
import { RealtimeApp, type Instance, type Person } from './realtime-app';

let app: RealtimeApp;
let instance: Instance;
let ada: Person;

beforeAll(async () => {
  app = await RealtimeApp.create();
  instance = await app.instance();
});
afterAll(() => app.stop());
beforeEach(async () => {
  ada = await app.person('ada');
});

const subscribers = async () => {
  const [, count] = (await app.redis.pubsub('NUMSUB', `realtime:live:user:${ada.id}`)) as [string, number];
  return count;
};

describe('a user with sockets', () => {
  it('has one subscription per process, from the first socket to the last', async () => {
    const clients = await Promise.all(Array.from({ length: 5 }, () => instance.connect(ada)));
    expect(await subscribers()).toBe(1);
    const elsewhere = await app.instance();
    const another = await elsewhere.connect(ada);
    await waitFor(async () => (await subscribers()) === 2);
    await another.close();
    await waitFor(async () => (await subscribers()) === 1);
    for (const client of clients) {
      expect(await subscribers()).toBe(1);
      await client.close();
    }
    await waitFor(async () => (await subscribers()) === 0);
  });

  it('who comes and goes quickly is subscribed to in the end exactly if there is a socket', async () => {
    for (let i = 0; i < 20; i += 1) (await instance.connect(ada)).socket.terminate();
    const last = await instance.connect(ada);
    await app.publishToUser(ada);
    await last.next('event');
    await last.close();
    await waitFor(async () => (await subscribers()) === 0);
  });

  it('who hangs up while being let in leaves nothing behind', async () => {
    const request = [
      'GET /ws HTTP/1.1',
      `Host: ${new URL(instance.url).host}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}`,
      'Sec-WebSocket-Protocol: rostrum.v1',
      `Authorization: Bearer ${ada.token}`,
    ];
    const port = Number(new URL(instance.url).port);
    for (let i = 0; i < 20; i += 1) {
      const socket = net.connect(port, '127.0.0.1');
      // The answer may already be under way when the client resets the connection: both ends have to be met.
      socket.write(`${request.join('\r\n')}\r\n\r\n`, () =>
        setTimeout(() => socket.resetAndDestroy(), i % 5),
      );
      await once(socket, 'close');
    }
    await waitFor(async () => (await instance.metric('websocket_connections')) === 0);
    await waitFor(async () => (await subscribers()) === 0);
    await waitFor(async () => (await app.redis.exists(`realtime:presence:${ada.id}`)) === 0);
    const client = await instance.connect(ada);
    await client.close();
  });

  it('is not told what is no event', async () => {
    const client = await instance.connect(ada);
    await app.redis.publish(`realtime:live:user:${ada.id}`, '{"canary');
    await app.redis.publish(`realtime:live:user:${ada.id}`, 'canary 1 2 {"name":"canary"}');
    await waitFor(() => app.log.text().split('is not as its schema says').length === 3);
    await client.roundTrip();
    expect(client.of('event')).toEqual([]);
    expect(app.log.text()).not.toContain('canary');
    await client.close();
  });
});
