/** Any number of WebSocket clients that count what they get; frames are taken apart, but not read. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { now, takeOrders } from './orders';
import { addressOf } from './own-addresses';

interface OpenOrder {
  port: number;
  count: number;
  /** One for all, or one for each. */
  tokens?: string[];
  /** What each sends once it is open. */
  hello?: string;
  /** Frames that each gets before it counts as open. */
  expected: number;
}

const atOnce = 50;
const atMark = '"at":';
const textOpcode = 0x81;
const pingOpcode = 0x89;
const pong = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);
/** Of `{"type":"heartbeat"`, which comes whenever it likes and is not counted. */
const typeAt = '{"type":"'.length;
const firstOfHeartbeat = 'h'.charCodeAt(0);

const sockets: net.Socket[] = [];
let frames = 0;
let latencies: number[] | undefined;
let waiter: { frames: number; resolve: () => void } | undefined;

async function open({ port, count, tokens = [], hello, expected }: OpenOrder): Promise<void> {
  frames = 0;
  for (let start = 0; start < count; start += atOnce) {
    const some = Array.from({ length: Math.min(atOnce, count - start) }, (_, i) => start + i);
    await Promise.all(
      some.map(async (i) => {
        const localAddress = addressOf(i);
        const socket = net.connect({ host: '127.0.0.1', port, localAddress });
        await shakeHands(socket, tokens[i % tokens.length]);
        if (hello !== undefined) socket.write(masked(hello));
        sockets.push(socket);
      }),
    );
  }
  await reached(count * expected);
}

async function shakeHands(socket: net.Socket, token: string | undefined): Promise<void> {
  socket.setNoDelay(true);
  await once(socket, 'connect');
  const authorization = token === undefined ? '' : `Authorization: Bearer ${token}\r\n`;
  socket.write(
    'GET /ws HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Protocol: rostrum.v1\r\n${authorization}\r\n`,
  );
  let answer = '';
  let end = -1;
  while (end === -1) {
    const [bytes] = (await once(socket, 'data')) as [Buffer];
    answer += bytes.toString('latin1');
    end = answer.indexOf('\r\n\r\n');
  }
  if (!answer.startsWith('HTTP/1.1 101')) throw new Error(answer);
  let rest: Buffer = Buffer.alloc(0);
  const take = (bytes: Buffer) => {
    rest = count(rest.length > 0 ? Buffer.concat([rest, bytes]) : bytes, socket);
    if (waiter && frames >= waiter.frames) waiter.resolve();
  };
  take(Buffer.from(answer.slice(end + 4), 'latin1'));
  socket.on('data', take);
  socket.on('error', () => undefined);
  socket.on('close', () => {
    // What it has not got would be waited for in vain.
    if (sockets.includes(socket)) throw new Error('A socket was cut off');
  });
}

/** Counts the frames, answers pings, and gives back what is left. */
function count(bytes: Buffer, socket: net.Socket): Buffer {
  let start = 0;
  while (bytes.length - start >= 2) {
    const short = (bytes[start + 1] as number) & 127;
    const header = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (bytes.length - start < header) break;
    const length =
      header === 2
        ? short
        : header === 4
          ? bytes.readUInt16BE(start + 2)
          : Number(bytes.readBigUInt64BE(start + 2));
    const end = start + header + length;
    if (end > bytes.length) break;
    if (bytes[start] === pingOpcode) {
      socket.write(pong);
    } else if (bytes[start] === textOpcode && bytes[start + header + typeAt] !== firstOfHeartbeat) {
      frames += 1;
      if (latencies)
        noteLatency(bytes.toString('latin1', start + header, Math.min(end, start + header + 200)));
    }
    start = end;
  }
  return start === bytes.length ? Buffer.alloc(0) : bytes.subarray(start);
}

function noteLatency(text: string): void {
  const at = text.indexOf(atMark);
  if (at === -1) return;
  latencies?.push(now() - Number.parseFloat(text.slice(at + atMark.length)));
}

function reached(expected: number): Promise<void> {
  if (frames >= expected) return Promise.resolve();
  return new Promise((resolve) => {
    waiter = { frames: expected, resolve };
  });
}

function masked(text: string): Buffer {
  // A mask of zeros is a mask.
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([0x81, 0x80 | bytes.length, 0, 0, 0, 0]), bytes]);
}

function quantiles() {
  const sorted = (latencies ?? []).sort((a, b) => a - b);
  latencies = undefined;
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99) };
}

takeOrders({
  open,
  reset: () => {
    frames = 0;
  },
  time: () => {
    frames = 0;
    latencies = [];
  },
  quantiles,
  reached: ({ frames: expected }: { frames: number }) => reached(expected),
  close: () => {
    for (const socket of sockets.splice(0)) socket.destroy();
  },
});
