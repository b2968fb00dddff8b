import { readFileSync } from 'node:fs';
import {
  conformanceCases,
  openRawWebSocket,
  waitFor,
  webSocketOpcodes,
  type RawWebSocket,
} from '@rostrum/testing';
import { signUp, startSystem, type Person, type System } from './system';

/** `npm run check:idle-socket` asks for half an hour. */
const idleMinutes = Number(process.env['IDLE_SOCKET_MINUTES'] ?? 0);
const heartbeatSeconds = idleMinutes > 0 ? 12 : 1;
const idleHeartbeats = Math.max(5, Math.ceil((idleMinutes * 60) / heartbeatSeconds));

let system: System;
let ada: Person;

beforeAll(async () => {
  system = await startSystem({
    // Every case is a socket of the same person from the same address; the limits have tests of their own.
    environment: {
      RATE_LIMIT_WEBSOCKET_HANDSHAKES: '10000',
      WEBSOCKET_MAX_CONNECTIONS_PER_USER: '1000',
      WEBSOCKET_HEARTBEAT_SECONDS: String(heartbeatSeconds),
      // The token must outlive an idle socket.
      JWT_ACCESS_TTL: '7200',
    },
  });
  ada = await signUp(system);
}, 90_000);

afterAll(() => system?.stop(), 60_000);

function open(token?: string): Promise<RawWebSocket> {
  const tls = { ca: system.certificate };
  return openRawWebSocket(system.gateway.url, token === undefined ? { tls } : { tls, token });
}

describe.each(Object.entries(conformanceCases))('through the gateway: %s', (_area, cases) => {
  it.each(cases.map(({ name, run }) => [name, run] as const))('%s', async (_name, run) => {
    const client = await open(ada.token);
    try {
      await client.messages(1);
      await run(client);
    } finally {
      client.socket.destroy();
    }
  });
});

describe('an idle socket', () => {
  it(
    'lives, and costs a ping each heartbeat',
    async () => {
      const client = await open(ada.token);
      await client.messages(1);
      for (let heartbeat = 1; heartbeat <= idleHeartbeats; heartbeat += 1) {
        await client.payloads(webSocketOpcodes.ping, heartbeat);
        expect(client.ended).toBe(false);
        client.send({ opcode: webSocketOpcodes.pong });
      }
      client.send({ payload: '{"type":"ping","id":"still here"}' });
      expect((await client.messages(2)).at(-1)).toEqual({ type: 'pong', id: 'still here' });
      client.socket.destroy();
    },
    (idleMinutes + 2) * 60_000,
  );
});

describe('what is told of handshakes', () => {
  it('has neither a token nor a ticket in it, at the gateway and in the service', async () => {
    const answer = await system.ask('/api/v1/realtime/tickets', { method: 'POST', headers: ada.headers });
    expect(answer.status).toBe(201);
    const { ticket } = (await answer.json()) as { ticket: string };
    const requestId = 'handshake-with-ticket';
    const refused = await system.ask(`/ws?ticket=${ticket}`, { headers: { 'x-request-id': requestId } });
    expect(refused.status).toBe(426);
    const client = await openRawWebSocket(system.gateway.url, {
      tls: { ca: system.certificate },
      headers: [`Sec-WebSocket-Protocol: bearer.${ada.token}`],
    });
    await client.messages(1);
    client.socket.destroy();
    const { accessLogFile, logFile } = system.gateway;
    const told = () =>
      [accessLogFile, logFile].map((file) => readFileSync(file, 'utf8')).join('\n') +
      JSON.stringify(system.mains.realtime.map(({ lines }) => lines));
    await waitFor(() => told().includes(requestId), { what: 'a line of the handshake' });
    expect(told()).not.toContain(ticket);
    expect(told()).not.toContain(ada.token.split('.')[2]);
  });

  it('is an answer that names what is wanted, where somebody comes without', async () => {
    await expect(open()).rejects.toThrow('401');
    expect((await system.ask('/ws')).status).toBe(426);
  });
});
