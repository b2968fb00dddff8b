import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import net, { type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { waitFor } from '@rostrum/testing';
import fc from 'fast-check';
import { frameOfText } from './frame';
import { Outbox } from './outbox';
import { Outflow } from './outflow';

const maxBytes = 16_777_216;

const endings = {
  destroyed: ({ own }: Line) => own.destroy(),
  'destroyed for an error': ({ own }: Line) => own.destroy(new Error('it is over')),
  reset: ({ own }: Line) => own.resetAndDestroy(),
  ended: ({ own }: Line) => own.end(),
  'hung up by the client': ({ client }: Line) => client.destroy(),
  'reset by the client': ({ client }: Line) => client.resetAndDestroy(),
};
type Ending = keyof typeof endings;
const ways = Object.keys(endings) as Ending[];
type Step = 'open' | 'turn' | { ending: Ending; which: number };

/** A connection, what is sent through it, and what its client gets. */
class Line {
  received = '';
  sent = '';
  private count = 0;

  constructor(
    readonly name: number,
    readonly own: Socket,
    readonly client: Socket,
    readonly outbox: Outbox,
  ) {
    own.resume();
    client.setEncoding('latin1').pause();
    client.on('data', (text: string) => (this.received += text));
  }

  send(length = 1): void {
    const frame = frameOfText('event', this.nextText(length));
    this.sent += frame.wire.toString('latin1');
    this.outbox.add(frame, maxBytes);
  }

  nextText(length: number): string {
    return `${this.name}:${this.count++} `.repeat(length);
  }
}

let server: net.Server;
let outflow: Outflow;
let lines: Line[];
let folder: string;

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'outbox-'));
  outflow = new Outflow({ onSent: () => undefined, gatherMs: 1 });
  lines = [];
  server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(async () => {
  hangUp();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

function hangUp(): void {
  for (const { own, client } of lines.splice(0)) for (const socket of [own, client]) socket.destroy();
}

async function connect(): Promise<Line> {
  const accepted = once(server, 'connection');
  const client = net.connect({ port: (server.address() as AddressInfo).port });
  const [own] = (await accepted) as [Socket];
  for (const socket of [own, client]) socket.on('error', () => undefined);
  const line = new Line(lines.length, own, client, new Outbox(own, outflow));
  lines.push(line);
  return line;
}

/** Of its connection, as long as it is open. */
function numberOf(socket: Socket & { _handle?: { fd: number } }): number {
  return socket._handle?.fd ?? -1;
}

/** What whoever is first to open something in this turn gets, though it was written for somebody else. */
function strayBytes(write: () => void): string {
  const file = path.join(folder, 'next');
  // A file gets the lowest number that is free, as the next connection would.
  const descriptor = openSync(file, 'w');
  try {
    write();
    return readFileSync(file, 'latin1');
  } finally {
    closeSync(descriptor);
  }
}

describe('what is sent', () => {
  it('reaches nobody else when its connection is closed, however that comes', async () => {
    let reused = 0;
    const some = fc.nat({ max: 15 });
    const step = fc.oneof(
      { weight: 2, arbitrary: fc.constant('open' as const) },
      { weight: 2, arbitrary: fc.constant('turn' as const) },
      {
        weight: 3,
        arbitrary: fc.record({ ending: fc.constantFrom(...ways), which: some }),
      },
    );
    const check = async (steps: Step[]) => {
      const numbers = new Set<number>();
      const stray: string[] = [];
      const sendToAll = () => void stray.push(strayBytes(() => lines.forEach((line) => line.send())));
      for (const each of steps) {
        if (each === 'turn') {
          await nextTurn();
        } else if (each === 'open') {
          const line = await connect();
          const number = numberOf(line.own);
          if (numbers.has(number)) reused += 1;
          numbers.add(number);
          line.client.resume();
          // Whoever hears of the end may well say something.
          for (const event of ['end', 'error', 'close']) line.own.on(event, sendToAll);
        } else {
          const line = lines[each.which % lines.length];
          if (line) endings[each.ending](line);
        }
        sendToAll();
      }
      const open = lines.filter(
        ({ own, client }) => own.writable && !client.destroyed && !client.readableEnded,
      );
      await waitFor(() => open.every(({ own, received, sent }) => !own.writable || received === sent));
      for (const { received, sent } of lines) expect(sent.startsWith(received)).toBe(true);
      expect(stray.join('')).toBe('');
    };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), check).afterEach(hangUp),
      {
        numRuns: 40,
      },
    );
    // Else it has shown nothing.
    expect(reused).toBeGreaterThan(0);
  });

  it('comes whole and in order to who reads late, whatever else is written to the stream', async () => {
    const line = await connect();
    const pongs: string[] = [];
    for (let i = 0; i < 600; i += 1) {
      line.send(1 + ((i * 7919) % 20_000));
      if (i % 3 === 0) {
        const pong = `[pong ${i}]`;
        pongs.push(pong);
        line.own.write(pong);
        line.outbox.look();
      }
      // What it takes bit by bit makes room for what must not come before the rest.
      if (i === 300) {
        expect(line.outbox.size).toBeGreaterThan(0);
        line.client.resume();
      }
      await nextTurn();
    }
    const size = line.sent.length + pongs.join('').length;
    await waitFor(() => line.received.length === size);
    expect(line.received.match(/\[pong \d+\]/g)).toEqual(pongs);
    expect(line.received.replaceAll(/\[pong \d+\]/g, '') === line.sent).toBe(true);
    expect(line.outbox.size).toBe(0);
  });

  it('does not overtake the rest of a frame when there is room again before its stream knows', async () => {
    const line = await connect();
    const write = (bytes: Buffer) => {
      line.sent += bytes.toString('latin1');
      line.outbox.write(bytes);
    };
    for (let i = 0; line.outbox.size === 0; i += 1) write(Buffer.alloc(100_000, `${i} `));
    const taken = Buffer.alloc(1_000_000);
    const size = readSync(numberOf(line.client), taken, 0, taken.length, null);
    line.received += taken.toString('latin1', 0, size);
    write(Buffer.from('the next one'));
    line.client.resume();
    await waitFor(() => line.received.length === line.sent.length);
    expect(line.received === line.sent).toBe(true);
  });

  it('ends a lost connection by way of its stream', async () => {
    const line = await connect();
    const failed = once(line.own, 'error');
    line.client.resetAndDestroy();
    await waitFor(() => {
      line.send();
      return line.own.destroyed;
    });
    expect((await failed)[0]).toMatchObject({
      code: expect.stringMatching(/^(ECONNRESET|EPIPE)$/),
    });
    expect(() => line.send()).not.toThrow();
  });
});

describe('what waits anew whenever one looks', () => {
  it('is not old', async () => {
    const line = await connect();
    line.client.resume();
    for (let now = 1; now < 100; now += 10) {
      line.send();
      line.send();
      expect(line.outbox.size).toBeGreaterThan(0);
      expect(line.outbox.isOlderThan(5, now)).toBe(false);
      const { round } = outflow;
      await waitFor(() => outflow.round >= round + 2 && line.outbox.size === 0, { everyMs: 1 });
    }
  });
});
