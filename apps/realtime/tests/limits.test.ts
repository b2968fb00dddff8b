import { once } from 'node:events';
import { closeCodes } from '@rostrum/contracts';
import { waitFor } from '@rostrum/testing';
import { WebSocket } from 'ws';
import { askForUpgrade, type LiveClient } from './live-client';
import { RealtimeApp, type Instance } from './realtime-app';

let app: RealtimeApp;

beforeAll(async () => {
  app = await RealtimeApp.create({ environment: { TRUSTED_PROXIES: '127.0.0.1' } });
});
afterAll(() => app.stop());

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const from = (address: string) => ({ 'x-forwarded-for': address });

async function closeAll(clients: LiveClient[]): Promise<void> {
  for (const client of clients) await client.close();
}

/** The code with which a page of an allowed origin is turned away. */
async function pageCode({ socketUrl }: Instance, headers: Record<string, string>): Promise<number> {
  const socket = new WebSocket(socketUrl, 'rostrum.v1', { origin: 'https://app.test', headers });
  const [code] = (await once(socket, 'close')) as [number];
  return code;
}

describe('sockets of one person', () => {
  it('are limited; a place that becomes free can be taken, and others are not hurt', async () => {
    const instance = await app.instance({ WEBSOCKET_MAX_CONNECTIONS_PER_USER: '3' });
    const ada = await app.person('ada');
    const clients = [];
    for (let i = 0; i < 3; i += 1)
      clients.push(await instance.connect(ada, { headers: from(`10.0.0.${i}`) }));
    const refused = await askForUpgrade(`${instance.url}/ws`, bearer(ada.token));
    expect([refused.status, refused.json.code]).toEqual([429, 'TOO_MANY_CONNECTIONS']);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(await pageCode(instance, bearer(ada.token))).toBe(closeCodes.tooManyConnections);
    expect(await instance.metric('websocket_upgrades_refused_total{code="TOO_MANY_CONNECTIONS"}')).toBe(2);

    clients.push(await instance.connect(await app.person('grace')));
    await clients.shift()?.close();
    await waitFor(async () => (await instance.metric('websocket_connections')) === 3);
    clients.push(await instance.connect(ada));
    await closeAll(clients);
  });

  it('are counted also while they are being opened', async () => {
    const instance = await app.instance({ WEBSOCKET_MAX_CONNECTIONS_PER_USER: '3' });
    const { token } = await app.person('ada');
    const open = Array.from({ length: 20 }, () => {
      const socket = new WebSocket(instance.socketUrl, 'rostrum.v1', { headers: bearer(token) });
      socket.on('error', () => undefined);
      return socket;
    });
    const outcomes = await Promise.all(
      open.map((socket) =>
        Promise.race([
          once(socket, 'open').then(() => 101),
          once(socket, 'unexpected-response').then(() => 429),
        ]),
      ),
    );
    expect(outcomes.filter((status) => status === 101)).toHaveLength(3);
    for (const socket of open) socket.terminate();
  });
});

describe('sockets of one address', () => {
  it('are limited, however many people are there; an IPv6 customer has one /64', async () => {
    const instance = await app.instance({ WEBSOCKET_MAX_CONNECTIONS_PER_ADDRESS: '2' });
    const clients = [];
    for (const address of ['2001:db8::1', '2001:db8::2', '192.0.2.1']) {
      clients.push(await instance.connect(await app.person('p'), { headers: from(address) }));
    }
    const { token } = await app.person('late');
    const ask = (address: string) =>
      askForUpgrade(`${instance.url}/ws`, { ...bearer(token), ...from(address) });
    const refused = await ask('2001:db8::ffff');
    expect([refused.status, refused.json.code]).toEqual([429, 'TOO_MANY_CONNECTIONS']);
    expect((await ask('2001:db8:0:1::1')).status).toBe(101);
    await closeAll(clients);
  });
});

describe('handshakes', () => {
  it('of one address have a rate, before anything is asked of them', async () => {
    const instance = await app.instance({ RATE_LIMIT_WEBSOCKET_HANDSHAKES: '1' });
    const ask = (address: string) => askForUpgrade(`${instance.url}/ws`, from(address));
    const answers = [];
    for (let i = 0; i < 10; i += 1) answers.push((await ask('192.0.2.7')).status);
    expect(answers).toEqual(Array(10).fill(401));
    expect((await ask('192.0.2.8')).status).toBe(401);
    // Each second lets one more in.
    const refused = await waitFor(async () => {
      const answer = await ask('192.0.2.7');
      return answer.status === 429 && answer;
    });
    expect([refused.json.code, refused.headers['retry-after']]).toEqual(['TOO_MANY_HANDSHAKES', '1']);
    await waitFor(async () => (await pageCode(instance, from('192.0.2.7'))) === closeCodes.rateLimited);
  });
});

describe('all sockets of a process', () => {
  it('are bounded', async () => {
    const instance = await app.instance({ WEBSOCKET_MAX_CONNECTIONS: '1' });
    const client = await instance.connect(await app.person('ada'));
    const { token } = await app.person('late');
    const refused = await askForUpgrade(`${instance.url}/ws`, bearer(token));
    expect([refused.status, refused.json.code]).toEqual([503, 'FULL']);
    expect(await pageCode(instance, bearer(token))).toBe(closeCodes.unavailable);
    await client.close();
  });
});
