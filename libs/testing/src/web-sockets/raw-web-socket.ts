import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { webSocketProtocol } from '@rostrum/contracts';

export const webSocketOpcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface RawFrame {
  opcode?: number;
  payload?: Buffer | string;
  fin?: boolean;
  /** The three reserved bits, as a number. */
  rsv?: number;
  masked?: boolean;
  /** In place of the shortest form of the payload's length. */
  lengthAs?: 'short' | 'medium' | 'long';
  /** What the header says in place of the payload's length. */
  claims?: bigint;
}

/** The bytes of a frame as a client sends it, whether that is allowed or not. */
export function rawFrameBytes(parts: RawFrame): Buffer {
  const { opcode = webSocketOpcodes.text, fin = true, rsv = 0, masked = true } = parts;
  const payload = Buffer.from(parts.payload ?? '');
  const mask = masked ? randomBytes(4) : Buffer.alloc(0);
  const body = masked ? payload.map((byte, i) => byte ^ (mask[i % 4] ?? 0)) : payload;
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  return Buffer.concat([Buffer.from([first]), lengthBytes(parts, payload.length), mask, body]);
}

function lengthBytes({ lengthAs, claims, masked = true }: RawFrame, actual: number): Buffer {
  const length = claims ?? BigInt(actual);
  const form = lengthAs ?? (length < 126n ? 'short' : length < 65_536n ? 'medium' : 'long');
  const maskBit = masked ? 0x80 : 0;
  if (form === 'short') return Buffer.from([maskBit | Number(length)]);
  const bytes = Buffer.alloc(form === 'medium' ? 3 : 9);
  bytes[0] = maskBit | (form === 'medium' ? 126 : 127);
  if (form === 'medium') bytes.writeUInt16BE(Number(length), 1);
  else bytes.writeBigUInt64BE(length, 1);
  return bytes;
}

export interface ReceivedFrame {
  opcode: number;
  fin: boolean;
  rsv: number;
  payload: Buffer;
}

export interface RawWebSocketOptions {
  token?: string;
  /** More headers of the handshake, each without its line end. */
  headers?: readonly string[];
  /** For `wss:` through a gateway with a certificate of its own. */
  tls?: tls.ConnectionOptions;
}

/** A WebSocket client that has no rules: it sends the bytes it is told to, and keeps the frames it gets. */
export class RawWebSocket {
  readonly frames: ReceivedFrame[] = [];
  /** Whether the server has ended the connection. */
  ended = false;
  private readonly waiters = new Set<() => void>();

  constructor(
    readonly socket: net.Socket,
    private rest: Buffer,
  ) {
    socket.on('data', (bytes: Buffer) => this.take(bytes));
    for (const event of ['end', 'close', 'error']) {
      socket.on(event, () => {
        this.ended = true;
        this.wake();
      });
    }
    this.take(Buffer.alloc(0));
  }

  send(...frames: RawFrame[]): void {
    this.socket.write(Buffer.concat(frames.map(rawFrameBytes)));
  }

  /** The code of the server's close frame: 1005 where it has none, 1006 where the connection ends without one. */
  async closeCode(): Promise<number> {
    const closeFrame = () => this.frames.find(({ opcode }) => opcode === webSocketOpcodes.close);
    await this.until(() => this.ended || closeFrame() !== undefined);
    const payload = closeFrame()?.payload;
    if (!payload) return 1006;
    return payload.length < 2 ? 1005 : payload.readUInt16BE(0);
  }

  /** The text frames so far, as JSON, once there are so many. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests say what they expect of it
  async messages(count: number): Promise<any[]> {
    const texts = () => this.frames.filter(({ opcode }) => opcode === webSocketOpcodes.text);
    await this.until(() => texts().length >= count || this.ended);
    return texts().map(({ payload }) => JSON.parse(payload.toString()));
  }

  /** The payloads of the frames of a kind, once there are so many. */
  async payloads(opcode: number, count: number): Promise<Buffer[]> {
    const found = () => this.frames.filter((frame) => frame.opcode === opcode);
    await this.until(() => found().length >= count || this.ended);
    return found().map(({ payload }) => payload);
  }

  private async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.waiters.add(resolve));
  }

  private take(bytes: Buffer): void {
    this.rest = Buffer.concat([this.rest, bytes]);
    for (;;) {
      const frame = readFrame(this.rest);
      if (!frame) break;
      this.rest = this.rest.subarray(frame.size);
      this.frames.push(frame.received);
    }
    this.wake();
  }

  private wake(): void {
    for (const resolve of this.waiters) resolve();
    this.waiters.clear();
  }
}

/** A server's frame is never masked. */
function readFrame(bytes: Buffer): { received: ReceivedFrame; size: number } | undefined {
  const [first = 0, second = 0] = bytes;
  const extra = second < 126 ? 0 : second === 126 ? 2 : 8;
  const start = 2 + extra;
  if (bytes.length < start) return undefined;
  const length =
    extra === 0 ? second : extra === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  const size = start + length;
  if (bytes.length < size) return undefined;
  const payload = Buffer.from(bytes.subarray(start, size));
  const received = { opcode: first & 15, fin: (first & 0x80) !== 0, rsv: (first >> 4) & 7, payload };
  return { received, size };
}

/** Shakes hands by hand. */
export async function openRawWebSocket(
  url: string,
  options: RawWebSocketOptions = {},
): Promise<RawWebSocket> {
  const { hostname, port, protocol } = new URL(url);
  const target = { host: hostname, port: Number(port) };
  const isSecure = protocol === 'https:' || protocol === 'wss:';
  const socket = isSecure ? tls.connect({ ...target, ...options.tls }) : net.connect(target);
  await once(socket, isSecure ? 'secureConnect' : 'connect');
  const lines = [
    'GET /ws HTTP/1.1',
    `Host: ${hostname}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    `Sec-WebSocket-Protocol: ${webSocketProtocol}`,
    ...(options.token === undefined ? [] : [`Authorization: Bearer ${options.token}`]),
    ...(options.headers ?? []),
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  let answer = Buffer.alloc(0);
  while (!answer.includes('\r\n\r\n')) {
    const [bytes] = (await once(socket, 'data')) as [Buffer];
    answer = Buffer.concat([answer, bytes]);
  }
  const status = answer.toString('latin1').split(' ')[1];
  if (status !== '101') throw new Error(`The handshake was answered with ${status}`);
  return new RawWebSocket(socket, answer.subarray(answer.indexOf('\r\n\r\n') + 4));
}
