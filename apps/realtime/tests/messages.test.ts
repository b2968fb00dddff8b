import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { waitFor } from '@rostrum/testing';
import type { LiveClient } from './live-client';
import { RealtimeApp, type Instance, type Person } from './realtime-app';

const maxQueueBytes = 65_536;

let app: RealtimeApp;
let instance: Instance;
let ada: Person;
let client: LiveClient;

beforeAll(async () => {
  app = await RealtimeApp.create({ environment: { WEBSOCKET_MAX_QUEUE_BYTES: String(maxQueueBytes) } });
  instance = await app.instance();
});
afterAll(() => app.stop());
beforeEach(async () => {
  ada = await app.person('ada');
  client = await instance.connect(ada);
});
afterEach(() => client.socket.terminate());

const counted = (series: string) => instance.metric(series);
const closedFor = (reason: string) => counted(`websocket_closed_total{reason="${reason}"}`);
/** A client may know of its end before the server has counted it. */
const endedFor = (reason: string, count: number) =>
  waitFor(async () => (await closedFor(reason)) === count, { what: `${count} ends for ${reason}` });

const rejections = 'rate_limit_rejections_total{policy="websocket",reason="limit"}';

describe('a message', () => {
  it('is answered with its id', async () => {
    const before = await counted('websocket_messages_received_total{type="ping"}');
    client.send({ type: 'ping', id: 'mine-1' });
    client.send({ type: 'ping' });
    expect(await client.next('pong', 2)).toEqual({ type: 'pong' });
    expect(client.of('pong')[0]).toEqual({ type: 'pong', id: 'mine-1' });
    expect(await counted('websocket_messages_received_total{type="ping"}')).toBe(before + 2);
  });

  it.each([
    ['of a type that is not known', { type: 'noise', id: 'mine-2' }, { code: 'UNKNOWN_TYPE', id: 'mine-2' }],
    [
      'with a field too many',
      { type: 'ping', id: 'mine-3', to: 1 },
      { code: 'INVALID_MESSAGE', id: 'mine-3' },
    ],
    ['with a wrong id', { type: 'ping', id: 7 }, { code: 'INVALID_MESSAGE' }],
    ['with a long id', { type: 'ping', id: 'x'.repeat(65) }, { code: 'INVALID_MESSAGE' }],
  ])('%s is answered with an error, and the socket stays open', async (_what, message, expected) => {
    client.send(message);
    expect(await client.next('error')).toEqual({ type: 'error', message: expect.any(String), ...expected });
    await client.roundTrip();
  });

  it('may be as large as the limit and no larger', async () => {
    const ofBytes = (bytes: number) => `{"type":"noise","fill":"${'x'.repeat(bytes - 26)}"}`;
    client.send(ofBytes(16_384));
    expect((await client.next('error')).code).toBe('UNKNOWN_TYPE');
    const before = await closedFor('too_big');
    client.send(ofBytes(16_385));
    expect((await client.closed).code).toBe(1009);
    await endedFor('too_big', before + 1);
  });
});

describe('what is no message', () => {
  it.each([
    ['no JSON', '{"type":"ping"'],
    ['no object', '"ping"'],
    ['null', 'null'],
    ['nothing', ''],
    ['without a type', '{"id":"1"}'],
    ['with a type that is no text', '{"type":["ping"]}'],
  ])('%s ends the socket', async (_what, text) => {
    const before = await closedFor('invalid_message');
    const handled = await counted('websocket_messages_received_total{type="ping"}');
    client.send(text);
    client.send({ type: 'ping', id: 'too late' });
    expect(await client.closed).toEqual({ code: 4500, reason: 'invalid_message' });
    expect(await counted('websocket_messages_received_total{type="ping"}')).toBe(handled);
    await endedFor('invalid_message', before + 1);
  });

  it('binary frames end the socket', async () => {
    client.socket.send(Buffer.from('{"type":"ping"}'));
    expect((await client.closed).code).toBe(4500);
  });

  it('text that is no UTF-8 ends the socket', async () => {
    client.socket.send(Buffer.from([0xc3, 0x28]), { binary: false });
    expect((await client.closed).code).toBe(1007);
  });

  it('endless fragments end the socket', async () => {
    for (let i = 0; i < 100; i += 1) client.socket.send('', { fin: false });
    expect([1006, 1008]).toContain((await client.closed).code);
  });

  it('is never logged', async () => {
    client.send({ type: 'ping', id: 'canary-in-ping' });
    client.send({ type: 'canary-type', id: 'canary-id' });
    await client.next('error');
    client.send('canary-garbage {');
    await client.closed;
    await waitFor(() => app.log.text().includes('Socket ended: invalid_message'));
    expect(app.log.text()).not.toContain('canary');
  });
});

describe('more than 50 messages a second', () => {
  /** The burst, and what the budget gains while the flood is being read. */
  const mostSince = (began: number) => 100 + Math.ceil((50 * (performance.now() - began)) / 1000);

  it('end the socket once the burst is used up, and none of them is handled after that', async () => {
    const before = await counted('websocket_messages_received_total{type="ping"}');
    const closed = await closedFor('rate_limited');
    const rejected = await counted(rejections);
    const began = performance.now();
    for (let i = 0; i < 400; i += 1) client.send({ type: 'ping' });
    expect(await client.closed).toEqual({ code: 4429, reason: 'rate_limited' });
    const most = mostSince(began);
    const handled = (await counted('websocket_messages_received_total{type="ping"}')) - before;
    // The client has subscribed just before, which has cost one of the hundred.
    expect(handled).toBeGreaterThanOrEqual(99);
    expect(handled).toBeLessThanOrEqual(most);
    expect(client.of('pong').length).toBeLessThanOrEqual(handled);
    await endedFor('rate_limited', closed + 1);
    expect(await counted(rejections)).toBe(rejected + 1);
  });

  it('counts ping frames too', async () => {
    let pongs = 0;
    client.socket.on('pong', () => (pongs += 1));
    const began = performance.now();
    for (let i = 0; i < 400; i += 1) client.socket.ping('x'.repeat(125));
    expect((await client.closed).code).toBe(4429);
    // The last answers may still wait to be sent when the verdict falls.
    expect(pongs).toBeGreaterThan(50);
    expect(pongs).toBeLessThanOrEqual(mostSince(began));
  });

  it('hurts nobody else', async () => {
    const grace = await instance.connect(await app.person('grace'));
    for (let i = 0; i < 400; i += 1) client.send({ type: 'ping' });
    await client.closed;
    await grace.roundTrip();
    await grace.close();
  });
});

describe('a client that does not read', () => {
  const publish = (size: number) => app.publishToUser(ada, { name: 'noise', data: 'x'.repeat(size) });

  it('is cut off, and costs no more memory than its bound', async () => {
    const stalled = [client];
    while (stalled.length < 3) stalled.push(await instance.connect(ada));
    for (const each of stalled) each.socket.pause();
    const reader = await instance.connect(ada);
    const before = await closedFor('slow_reader');
    let most = 0;

    await waitFor(
      async () => {
        await publish(30_000);
        most = Math.max(most, await counted('websocket_queued_bytes'));
        return (await closedFor('slow_reader')) === before + stalled.length;
      },
      { timeoutMs: 20_000, everyMs: 0, what: 'the end of the slow readers' },
    );

    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual((stalled.length + 1) * maxQueueBytes);
    expect(await counted('websocket_queued_bytes')).toBeLessThanOrEqual(maxQueueBytes);
    await reader.roundTrip();
    for (const each of stalled) each.socket.terminate();
    await reader.close();
  });
});

describe('the life of a socket', () => {
  it('ends with its token', async () => {
    const short = await app.person('short', { ttlSeconds: 4 });
    const visitor = await instance.connect(short);
    const before = await closedFor('token_expired');
    expect(await visitor.closed).toEqual({ code: 4501, reason: 'token_expired' });
    await endedFor('token_expired', before + 1);
  });

  it('goes on as long as pings are answered, and ends when they are not', async () => {
    const strict = await app.instance({ WEBSOCKET_HEARTBEAT_SECONDS: '1' });
    const lively = await strict.connect(ada);
    const silent = await strict.connect(ada, { autoPong: false });
    expect((await silent.closed).code).toBe(1006);
    await waitFor(async () => (await strict.metric('websocket_connections')) === 1);
    expect(await strict.metric('websocket_closed_total{reason="unresponsive"}')).toBe(1);
    await once(lively.socket, 'ping');
    await lively.roundTrip();
    await lively.close();
  });

  it('leaves a line with the trace of its upgrade', async () => {
    const traceId = randomUUID().replaceAll('-', '');
    const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-00` };
    const visitor = await instance.connect(ada, { asBrowser: true, headers });
    await visitor.close();
    const line = await waitFor(() =>
      app.log.lines().find((each) => each.trace_id === traceId && each.message === 'Socket ended: client'),
    );
    expect(line).toMatchObject({ level: 'debug', user_id: ada.id, connection_id: expect.any(String) });
  });

  it('is counted from its beginning to its end', async () => {
    const before = await closedFor('client');
    await waitFor(async () => (await counted('websocket_connections')) === 1);
    await client.close();
    await waitFor(async () => (await counted('websocket_connections')) === 0);
    await endedFor('client', before + 1);
    const lost = await closedFor('lost');
    (await instance.connect(ada)).socket.terminate();
    await endedFor('lost', lost + 1);
  });
});
