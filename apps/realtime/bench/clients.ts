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

interface Reached {
  frames: number;
  /** Not to sleep from the first frame to the last. */
  awake?: boolean;
}

const atOnce = 50;
const atMark = '"at":';
const textOpcode = 0x81;
const pingOpcode = 0x89;
const pong = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);
const typeAt = '{"type":"'.length;
/** By its first letters. It comes whenever it likes and is not counted. */
const heartbeat = letters('he');
/** Who is told these, as that it may not subscribe, waits for the rest in vain. */
const [error, gap] = [letters('er'), letters('ga')];
/** Nothing that comes at all takes so long. */
const patienceMs = 15_000;

const sockets: net.Socket[] = [];
let frames = 0;
let latencies: number[] | undefined;
let isAwake = false;
let waiter: (Reached & { resolve: () => void }) | undefined;

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
  await reached({ frames: count * expected });
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
  const receive = (bytes: Buffer) => {
    rest = count(rest.length > 0 ? Buffer.concat([rest, bytes]) : bytes, socket);
    if (!waiter) return;
    if (frames >= waiter.frames) waiter.resolve();
    else if (waiter.awake) stayAwake();
  };
  receive(Buffer.from(answer.slice(end + 4), 'latin1'));
  socket.on('data', receive);
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
    } else if (bytes[start] === textOpcode) {
      take(bytes, start + header, end);
    }
    start = end;
  }
  return start === bytes.length ? Buffer.alloc(0) : bytes.subarray(start);
}

function take(bytes: Buffer, start: number, end: number): void {
  const type = bytes.readUInt16BE(start + typeAt);
  if (type === heartbeat) return;
  if (type === error || type === gap)
    throw new Error(`A client was told ${bytes.toString('utf8', start, end)}`);
  frames += 1;
  if (latencies) noteLatency(bytes.toString('latin1', start, end));
}

function noteLatency(text: string): void {
  const at = text.indexOf(atMark);
  if (at === -1) return;
  latencies?.push(now() - Number.parseFloat(text.slice(at + atMark.length)));
}

function reached({ frames: expected, awake = false }: Reached): Promise<void> {
  if (frames >= expected) return Promise.resolve();
  return new Promise((resolve, reject) => {
    let seen = frames;
    const clock = setInterval(() => {
      const message = `${frames} of ${expected} frames have come, none for ${patienceMs / 1000} s`;
      if (frames === seen) reject(new Error(message));
      seen = frames;
    }, patienceMs);
    waiter = {
      frames: expected,
      awake,
      resolve: () => {
        clearInterval(clock);
        waiter = undefined;
        resolve();
      },
    };
  });
}

/** Else a server that is slower than its clients has to wake them for each frame: no client does that over a network. */
function stayAwake(): void {
  if (isAwake) return;
  isAwake = true;
  const look = () => {
    isAwake = waiter !== undefined;
    if (isAwake) setImmediate(look);
  };
  look();
}

function letters(two: string): number {
  return Buffer.from(two).readUInt16BE();
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
  reached,
  close: () => {
    for (const socket of sockets.splice(0)) socket.destroy();
  },
});
