import { readFileSync } from 'node:fs';
import path from 'node:path';
import { closeTable, type CloseName } from '@rostrum/contracts';
import { openRawWebSocket, waitFor, webSocketOpcodes, type RawWebSocket } from '@rostrum/testing';
import { RealtimeApp, type Instance, type Person } from './realtime-app';
import { SocketStage } from './socket-stage';

let app: RealtimeApp;
let instance: Instance;
let ada: Person;

beforeAll(async () => {
  app = await RealtimeApp.create({ environment: { SHUTDOWN_DRAIN_MS: '2000', WEBSOCKET_DRAIN_MS: '0' } });
  instance = await app.instance();
  ada = await app.person('ada');
});
afterAll(() => app.stop());

async function welcomed(at = instance, person = ada): Promise<RawWebSocket> {
  const client = await openRawWebSocket(at.url, { token: person.token });
  await client.messages(1);
  return client;
}

/** Of a page of an allowed origin, which is told of a refusal by a close code. */
async function refusedPage(at: Instance, token?: string): Promise<number> {
  const headers = ['Origin: https://app.test'];
  return codeOf(await openRawWebSocket(at.url, token === undefined ? { headers } : { headers, token }));
}

async function codeOf(client: RawWebSocket): Promise<number> {
  const code = await client.closeCode();
  client.socket.destroy();
  return code;
}

async function codeAfter(...frames: Parameters<RawWebSocket['send']>): Promise<number> {
  const client = await welcomed();
  client.send(...frames);
  return codeOf(client);
}

const goodbye = (code: number) => ({
  opcode: webSocketOpcodes.close,
  payload: Buffer.from([code >> 8, code & 255]),
});

/** How each code of the table comes about: one that is added must be provoked here too. */
const provoked: Record<CloseName, () => Promise<number>> = {
  normal: () => codeAfter(goodbye(1000)),
  goingAway: () => codeAfter(goodbye(1001)),
  protocolError: () => codeAfter({ masked: false, payload: '{"type":"ping"}' }),
  lost: async () => {
    const strict = await app.instance({ WEBSOCKET_HEARTBEAT_SECONDS: '1' });
    return codeOf(await welcomed(strict));
  },
  invalidText: () => codeAfter({ payload: Buffer.from([0xc3, 0x28]) }),
  policyViolation: () => codeAfter(...Array(100).fill({ fin: false, opcode: 0 }).with(0, { fin: false })),
  tooBig: () => codeAfter({ payload: 'x'.repeat(20_000) }),
  restarting: async () => {
    const ending = await app.instance();
    const client = await welcomed(ending);
    const stopping = ending.service.stop('test');
    const code = await codeOf(client);
    await stopping;
    return code;
  },
  unavailable: async () => {
    const full = await app.instance({ WEBSOCKET_MAX_CONNECTIONS: '1' });
    const first = await welcomed(full);
    const code = await refusedPage(full, ada.token);
    first.socket.destroy();
    return code;
  },
  slowReader: async () => {
    const stage = await SocketStage.open({ maxQueueBytes: 65_536 });
    const client = await openRawWebSocket(stage.url);
    client.socket.pause();
    await waitFor(() => {
      stage.broadcast('x'.repeat(16_000));
      return stage.connections[0]?.isOpen === false;
    });
    client.socket.resume();
    const code = await codeOf(client);
    await stage.close();
    return code;
  },
  rateLimited: () => codeAfter(...Array(300).fill({ payload: '{"type":"ping"}' })),
  tooManyConnections: async () => {
    const strict = await app.instance({ WEBSOCKET_MAX_CONNECTIONS_PER_USER: '1' });
    const first = await welcomed(strict);
    const code = await refusedPage(strict, ada.token);
    first.socket.destroy();
    return code;
  },
  invalidMessage: () => codeAfter({ payload: 'hello' }),
  tokenExpired: async () => codeOf(await welcomed(instance, await app.person('short', { ttlSeconds: 4 }))),
  sessionRevoked: async () => {
    const eve = await app.person('eve');
    const client = await welcomed(instance, eve);
    app.tokens.revoke('subject', eve.id);
    return codeOf(client);
  },
  tokenRefused: () => refusedPage(instance),
};

it.each(Object.entries(provoked))('%s is closed with its code', async (name, provoke) => {
  expect(await provoke()).toBe(closeTable[name as CloseName].code);
});

it('the ranges say whether a client may connect again', () => {
  for (const { code, reconnect } of Object.values(closeTable)) {
    if (code >= 4500) expect([code, reconnect]).toEqual([code, 'no']);
    else if (code >= 4400) expect(['yes', 'later']).toContain(reconnect);
  }
});

it('the table in the documentation is this table', () => {
  const text = readFileSync(path.join(__dirname, '../../../docs/realtime-protocol.md'), 'utf8');
  const documented = [...text.matchAll(/^\| (\d{4}) +\| `(\w+)` +\| (\w+) +\| (.+?) +\|$/gm)].map(
    ([, code, name, reconnect, meaning]) => ({ code: Number(code), name, reconnect, meaning }),
  );
  expect(documented).toEqual(Object.values(closeTable));
});
