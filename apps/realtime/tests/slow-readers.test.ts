import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { closeCodes } from '@rostrum/contracts';
import { openRawWebSocket, waitFor, webSocketOpcodes as opcodes, type RawWebSocket } from '@rostrum/testing';
import { eventFrame, SocketStage, type StageOptions } from './socket-stage';

const maxQueueBytes = 65_536;
const stalledCount = 200;
const otherMemoryBytes = 16 * 2 ** 20;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

let stage: SocketStage;
let clients: RawWebSocket[];

afterEach(async () => {
  for (const { socket } of clients) socket.destroy();
  await stage.close();
});

/** Sockets of which none is read. */
async function stall(count: number, options: StageOptions): Promise<void> {
  stage = await SocketStage.open(options);
  clients = [];
  while (clients.length < count) {
    const client = await openRawWebSocket(stage.url);
    client.socket.pause();
    clients.push(client);
  }
  await waitFor(() => stage.connections.length === count);
}

/** What waits in the kernel costs the process nothing, so it is filled first. */
async function fillKernelBuffers(): Promise<void> {
  const frame = eventFrame('x'.repeat(10_000));
  let quietRounds = 0;
  await waitFor(
    () => {
      const thirsty = stage.connections.filter(({ queuedBytes }) => queuedBytes === 0);
      for (const connection of thirsty) for (let i = 0; i < 5; i += 1) connection.send(frame);
      quietRounds = thirsty.length === 0 ? quietRounds + 1 : 0;
      return quietRounds > 5;
    },
    { timeoutMs: 60_000, everyMs: 5, what: 'full buffers' },
  );
}

function rssAfterCollection(): number {
  collectGarbage();
  return process.memoryUsage.rss();
}

const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

describe('clients that do not read', () => {
  it('are cut off, two hundred of them, and cost no more than the bound each', async () => {
    await stall(stalledCount, { maxQueueBytes });
    await fillKernelBuffers();
    const before = rssAfterCollection();
    let [mostQueued, mostRss] = [0, 0];
    await waitFor(
      () => {
        // To each an event of its own: nothing is shared.
        for (const connection of stage.connections) {
          if (connection.isOpen) connection.send(eventFrame('x'.repeat(10_000)));
        }
        const queued = stage.queuedBytes;
        if (queued > mostQueued) {
          mostQueued = queued;
          mostRss = rssAfterCollection();
        }
        stage.beat();
        return stage.ends.length === stalledCount;
      },
      { timeoutMs: 60_000, everyMs: 5, what: 'the end of the slow readers' },
    );
    const bound = stalledCount * maxQueueBytes;
    process.stdout.write(
      `${stalledCount} stalled readers: queues at most ${megabytes(mostQueued)}, RSS ` +
        `${megabytes(mostRss - before)} more, bound ${megabytes(bound)}\n`,
    );
    expect(new Set(stage.ends)).toEqual(new Set(['slow_reader']));
    expect(mostQueued).toBeGreaterThan(bound / 2);
    expect(mostQueued).toBeLessThanOrEqual(bound);
    // Beside the queues, the memory that the test itself and the compiler take meanwhile.
    expect(mostRss - before).toBeLessThanOrEqual(bound + otherMemoryBytes);
    expect(stage.queuedBytes).toBe(0);
  }, 90_000);

  it('are cut off for the age of what waits, long before the bound', async () => {
    await stall(1, { maxQueueBytes: 16_777_216, maxQueueAgeMs: 200 });
    await waitFor(() => {
      stage.broadcast('x'.repeat(16_000));
      return stage.queuedBytes > 100_000;
    });
    await waitFor(() => {
      stage.beat();
      return stage.ends.length === 1;
    });
    expect(stage.ends).toEqual(['slow_reader']);
  });

  it('are never handed anything after the verdict', async () => {
    await stall(1, { maxQueueBytes });
    await waitFor(() => {
      stage.broadcast('x'.repeat(16_000));
      return stage.connections[0]?.isOpen === false;
    });
    const queued = stage.queuedBytes;
    for (let i = 0; i < 10; i += 1) stage.broadcast('late');
    expect(stage.queuedBytes).toBe(queued);
    clients[0]?.send({ payload: '{"type":"ping"}' });
    clients[0]?.socket.resume();
    // Who reads on in time is told why.
    expect(await clients[0]?.closeCode()).toBe(closeCodes.slowReader);
    clients[0]?.socket.end();
    await waitFor(() => stage.ends.length > 0);
    expect(stage.ends).toEqual(['slow_reader']);
    expect(stage.messages).toEqual([]);
  });
});

describe('a client that reads late', () => {
  it('gets everything, in order, as long as it is within the bounds', async () => {
    await stall(1, { maxQueueBytes: 16_777_216 });
    const count = 500;
    for (let i = 0; i < count; i += 1) stage.broadcast({ i, fill: 'x'.repeat(16_000) });
    await waitFor(() => stage.queuedBytes > 0);
    const taken = stage.connections[0]?.whenTaken();
    clients[0]?.socket.resume();
    const messages = (await clients[0]?.messages(count)) ?? [];
    expect(messages.map(({ data }) => data.i)).toEqual([...Array(count).keys()]);
    await taken;
    expect(stage.queuedBytes).toBe(0);
    stage.beat();
    expect(stage.ends).toEqual([]);
  });
});

describe('a burst', () => {
  it('larger than the bound, sent at once to who reads, is no reason to end it', async () => {
    await stall(1, { maxQueueBytes });
    clients[0]?.socket.resume();
    for (let i = 0; i < 20; i += 1) stage.broadcast({ i, fill: 'x'.repeat(4_000) });
    expect((await clients[0]?.messages(20))?.map(({ data }) => data.i)).toEqual([...Array(20).keys()]);
    expect(stage.ends).toEqual([]);
  });

  it('goes to a thousand readers in order, whatever each is sent between', async () => {
    await stall(50, {});
    for (const { socket } of clients) socket.resume();
    const expected = clients.map((): string[] => []);
    for (let i = 0; i < 40; i += 1) {
      stage.broadcast(`all ${i}`);
      for (const list of expected) list.push(`all ${i}`);
      for (const [at, connection] of stage.connections.entries()) {
        if ((at + i) % 3 !== 0) continue;
        connection.send(eventFrame(`own ${at} ${i}`));
        expected[at]?.push(`own ${at} ${i}`);
      }
    }
    for (const [at, client] of clients.entries()) {
      const messages = await client.messages(expected[at]?.length ?? 0);
      expect(messages.map(({ data }) => data)).toEqual(expected[at]);
      expect(client.frames.every(({ fin, rsv, opcode }) => fin && rsv === 0 && opcode === opcodes.text)).toBe(
        true,
      );
    }
    await waitFor(() => stage.sent.get('event') === expected.flat().length);
  });
});

describe('a half-open peer', () => {
  it('is given up after two heartbeats, and one that answers is not', async () => {
    await stall(1, { heartbeatSeconds: 12 });
    const lively = await openRawWebSocket(stage.url);
    clients.push(lively);
    await waitFor(() => stage.connections.length === 2);
    let seconds = 0;
    for (; stage.ends.length === 0 && seconds < 40; seconds += 1) {
      stage.beat();
      const pings = await lively.payloads(opcodes.ping, 0);
      if (pings.length > 0) lively.send({ opcode: opcodes.pong });
      // What the lively one has sent is read before the next second.
      const said = stage.messages.length;
      lively.send({ payload: '{}' });
      await waitFor(() => stage.messages.length > said);
      await waitFor(() => stage.ends.length > 0 || stage.connections.length === 2);
    }
    process.stdout.write(`a half-open peer was given up after ${seconds} s of heartbeats of 12 s\n`);
    await waitFor(() => stage.ends.length > 0);
    expect(seconds).toBeLessThanOrEqual(40);
    expect(stage.ends).toEqual(['unresponsive']);
    expect(stage.connections).toHaveLength(1);
  });
});

describe('compression', () => {
  it('is for those who offer it, where it is allowed', async () => {
    stage = await SocketStage.open({ compression: true, maxQueueBytes: 16_777_216 });
    const offer = { headers: ['Sec-WebSocket-Extensions: permessage-deflate'] };
    clients = [await openRawWebSocket(stage.url, offer), await openRawWebSocket(stage.url)];
    await waitFor(() => stage.connections.length === 2);
    stage.broadcast('x'.repeat(16_000));
    for (const client of clients) await client.payloads(opcodes.text, 1);
    const [compressed, plain] = clients.map(({ frames }) => frames[0]);
    expect([compressed?.rsv, plain?.rsv]).toEqual([4, 0]);
    expect(compressed?.payload.length).toBeLessThan(1000);
    expect(plain?.payload.length).toBeGreaterThan(16_000);
  });
});
