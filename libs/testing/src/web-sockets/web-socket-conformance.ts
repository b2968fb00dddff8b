import { closeCodes } from '@rostrum/contracts';
import { rawFrameBytes, webSocketOpcodes, type RawFrame, type RawWebSocket } from './raw-web-socket';

/** What RFC 6455 asks of a server, one thing each. It is done on a socket that has been welcomed. */
export interface ConformanceCase {
  name: string;
  /** Rejects, or throws, where the server is not as it should be. */
  run: (client: RawWebSocket) => Promise<void>;
}

const { text, binary, continuation, close, ping, pong } = webSocketOpcodes;
const { protocolError, invalidText, invalidMessage, policyViolation, tooBig } = closeCodes;
const maxMessageBytes = 16_384;

/** The server answers a `ping` message with a `pong` of the same id: that is how it gives text back. */
const echo = (id: string) => JSON.stringify({ type: 'ping', id });
const frame = (payload: Buffer | string, parts: RawFrame = {}): RawFrame => ({ ...parts, payload });
const closeWith = (code: number, reason: Buffer | string = ''): RawFrame => {
  const payload = Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]);
  return { opcode: close, payload };
};

/** The frames end the connection with this code, and nothing that comes after them is done. */
function fatal(name: string, code: number, ...frames: RawFrame[]): ConformanceCase {
  return {
    name: `${name}: ${code}`,
    run: async (client) => {
      client.send(...frames, frame(echo('too late')));
      same(await client.closeCode(), code);
      same((await client.messages(1)).length, 1);
    },
  };
}

/** The frames are taken for one message with this id, and the socket lives on. */
function echoed(name: string, id: string, ...frames: RawFrame[]): ConformanceCase {
  return {
    name,
    run: async (client) => {
      client.send(...frames);
      same((await client.messages(2))[1], { type: 'pong', id });
      await alive(client);
    },
  };
}

function ponged(name: string, payloads: readonly (Buffer | string)[]): ConformanceCase {
  return {
    name,
    run: async (client) => {
      client.send(...payloads.map((payload) => frame(payload, { opcode: ping })));
      const answers = await client.payloads(pong, payloads.length);
      same(
        answers.map((bytes) => bytes.toString('hex')),
        payloads.map((payload) => Buffer.from(payload).toString('hex')),
      );
      await alive(client);
    },
  };
}

async function alive(client: RawWebSocket): Promise<void> {
  const before = (await client.messages(0)).length;
  client.send(frame(echo('alive')));
  same((await client.messages(before + 1)).at(-1), { type: 'pong', id: 'alive' });
}

function same(actual: unknown, expected: unknown): void {
  const [seen, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (seen !== wanted) throw new Error(`Expected ${wanted}, but it was ${seen}`);
}

/** A message of a type that nobody knows, of exactly so many bytes: it is answered with an error. */
function ofLength(bytes: number): string {
  return `{"type":"noise","fill":"${'*'.repeat(bytes - 26)}"}`;
}

function answered(name: string, ...frames: RawFrame[]): ConformanceCase {
  return {
    name,
    run: async (client) => {
      client.send(...frames);
      same((await client.messages(2))[1]?.code, 'UNKNOWN_TYPE');
      await alive(client);
    },
  };
}

/** The payload in frames of so many bytes. */
function inFragments(payload: Buffer | string, size: number, opcode: number = text): RawFrame[] {
  const bytes = Buffer.from(payload);
  const frames: RawFrame[] = [];
  for (let start = 0; start < bytes.length; start += size) {
    const isLast = start + size >= bytes.length;
    const part = bytes.subarray(start, start + size);
    frames.push(frame(part, { opcode: start === 0 ? opcode : continuation, fin: isLast }));
  }
  return frames;
}

const framing: ConformanceCase[] = [
  ...[64, 125, 126, 127, 128, 1000, maxMessageBytes].map((bytes) =>
    answered(`a message of ${bytes} bytes`, frame(ofLength(bytes))),
  ),
  {
    name: 'frames that arrive byte by byte',
    run: async (client) => {
      for (const byte of rawFrameBytes(frame(echo('in bytes')))) client.socket.write(Buffer.from([byte]));
      same((await client.messages(2))[1]?.id, 'in bytes');
      await alive(client);
    },
  },
  {
    name: 'many frames that arrive in one piece',
    run: async (client) => {
      const ids = Array.from({ length: 30 }, (_, i) => `m${i}`);
      client.send(...ids.map((id) => frame(echo(id))));
      same(
        (await client.messages(31)).slice(1).map(({ id }) => id),
        ids,
      );
    },
  },
  fatal('an empty message is no message', invalidMessage, frame('')),
  fatal('a binary message is not of this protocol', invalidMessage, frame(echo('b'), { opcode: binary })),
  fatal('a frame that is not masked', protocolError, frame(echo('u'), { masked: false })),
  fatal('a ping that is not masked', protocolError, { opcode: ping, masked: false }),
];

const reserved: ConformanceCase[] = [
  ...[1, 2, 3, 4, 5, 6, 7].flatMap((rsv) => [
    fatal(`text with reserved bits ${rsv}`, protocolError, frame(echo('r'), { rsv })),
    fatal(`a ping with reserved bits ${rsv}`, protocolError, { opcode: ping, rsv }),
    fatal(`a close with reserved bits ${rsv}`, protocolError, { ...closeWith(1000), rsv }),
  ]),
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((opcode) => [
    fatal(`opcode ${opcode}`, protocolError, { opcode }),
    fatal(`opcode ${opcode} with a payload`, protocolError, frame('payload', { opcode })),
  ]),
];

const control: ConformanceCase[] = [
  ponged('a ping without a payload', ['']),
  ponged('a ping with text', ['Hello']),
  ponged('a ping with bytes that are no text', [Buffer.from([0, 255, 254, 253, 0])]),
  ponged('a ping as long as it may be', [Buffer.alloc(125, 0xfe)]),
  ponged(
    'ten pings, answered in order',
    Array.from({ length: 10 }, (_, i) => `ping ${i}`),
  ),
  fatal('a ping that is too long', protocolError, { opcode: ping, payload: Buffer.alloc(126) }),
  fatal('a pong that is too long', protocolError, { opcode: pong, payload: Buffer.alloc(126) }),
  fatal('a ping in fragments', protocolError, { opcode: ping, fin: false }),
  fatal('a pong in fragments', protocolError, { opcode: pong, fin: false }),
  fatal('a close in fragments', protocolError, { ...closeWith(1000), fin: false }),
  echoed(
    'pongs that nobody has asked for',
    'still here',
    { opcode: pong },
    { opcode: pong, payload: 'unasked' },
    frame(echo('still here')),
  ),
];

const fragmentation: ConformanceCase[] = [
  ...[1, 2, 7, 20].map((size) =>
    echoed(`fragments of ${size} bytes`, 'abc', ...inFragments(echo('abc'), size)),
  ),
  echoed(
    'empty fragments',
    'empty',
    { fin: false },
    { opcode: continuation, fin: false },
    { opcode: continuation, payload: echo('empty') },
  ),
  {
    name: 'a ping between fragments is answered at once',
    run: async (client) => {
      const [first, ...others] = inFragments(echo('between'), 12) as [RawFrame, ...RawFrame[]];
      client.send(first, { opcode: ping, payload: 'now' });
      same((await client.payloads(pong, 1))[0]?.toString(), 'now');
      client.send(...others);
      same((await client.messages(2))[1]?.id, 'between');
      await alive(client);
    },
  },
  fatal('the end of what has not begun', protocolError, { opcode: continuation, payload: echo('c') }),
  fatal('the middle of what has not begun', protocolError, { opcode: continuation, fin: false }),
  fatal('a message within a message', protocolError, { fin: false, payload: '{' }, frame(echo('within'))),
  fatal('more fragments than a message may have', policyViolation, ...inFragments('x'.repeat(200), 1)),
];

const texts = [
  'κόσμε',
  '日本語',
  '😀🏳️‍🌈',
  '\u0000\u007f',
  '\u0080\u07ff',
  '\u0800\uffff',
  '\u{10000}\u{10ffff}',
  '\ud7ff\ue000',
];
const notUtf8: readonly [string, number[]][] = [
  ['a lone continuation byte', [0x80]],
  ['continuation bytes alone', [0x80, 0xbf, 0x80, 0xbf]],
  ['a start without its rest', [0xc3]],
  ['a start before another character', [0xc3, 0x28]],
  ['three bytes with one missing', [0xe2, 0x82, 0x20]],
  ['four bytes with one missing', [0xf0, 0x9f, 0x98, 0x20]],
  ['"/" in two bytes', [0xc0, 0xaf]],
  ['"/" in three bytes', [0xe0, 0x80, 0xaf]],
  ['"/" in four bytes', [0xf0, 0x80, 0x80, 0xaf]],
  ['the longest of two bytes in three', [0xe0, 0x9f, 0xbf]],
  ['half of a surrogate pair', [0xed, 0xa0, 0x80]],
  ['both halves of a surrogate pair', [0xed, 0xa0, 0x80, 0xed, 0xb0, 0x80]],
  ['more than Unicode has', [0xf4, 0x90, 0x80, 0x80]],
  ['five bytes', [0xf8, 0x88, 0x80, 0x80, 0x80]],
  ['impossible bytes', [0xfe, 0xff]],
];
const inMessage = (bytes: number[]) =>
  Buffer.concat([Buffer.from('{"type":"ping","id":"'), Buffer.from(bytes), Buffer.from('"}')]);

const utf8: ConformanceCase[] = [
  ...texts.flatMap((id) => [
    echoed(`text ${escape(id)}`, id, frame(echo(id))),
    echoed(`text ${escape(id)} in fragments of a byte`, id, ...inFragments(echo(id), 1)),
  ]),
  ...notUtf8.flatMap(([name, bytes]) => [
    fatal(name, invalidText, frame(inMessage(bytes))),
    fatal(`${name}, in fragments`, invalidText, ...inFragments(inMessage(bytes), 3)),
  ]),
];

function escape(textOfCase: string): string {
  return JSON.stringify(textOfCase).replace(/[^ -~]/gu, (each) => `U+${each.codePointAt(0)?.toString(16)}`);
}

const answeredCodes = [
  1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 3999, 4000, 4999,
];
const forbiddenCodes = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65_535];
const closed = (name: string, code: number, ...frames: RawFrame[]): ConformanceCase => ({
  name: `${name} is answered with ${code}`,
  run: async (client) => {
    client.send(...frames);
    same(await client.closeCode(), code);
  },
});

const closing: ConformanceCase[] = [
  closed('a close without a code', 1005, { opcode: close }),
  ...answeredCodes.map((code) => closed(`a close with ${code}`, code, closeWith(code))),
  ...forbiddenCodes.map((code) => closed(`a close with ${code}`, protocolError, closeWith(code))),
  closed('a close with a reason', 1000, closeWith(1000, 'that is all')),
  closed('a close with the longest reason', 1000, closeWith(1000, 'x'.repeat(123))),
  closed('a close with a longer reason', protocolError, closeWith(1000, 'x'.repeat(124))),
  closed('a close with half a code', protocolError, { opcode: close, payload: Buffer.from([3]) }),
  closed('a close whose reason is no UTF-8', invalidText, closeWith(1000, Buffer.from([0xc3, 0x28]))),
  fatal('a message after a close', 1000, closeWith(1000)),
  {
    name: 'a ping after a close is not answered',
    run: async (client) => {
      client.send(closeWith(1000), { opcode: ping, payload: 'late' });
      same(await client.closeCode(), 1000);
      same((await client.payloads(pong, 0)).length, 0);
    },
  },
  closed('a second close', 1000, closeWith(1000), closeWith(1001)),
  closed('a close between fragments', 1000, { fin: false, payload: '{' }, closeWith(1000)),
];

const limits: ConformanceCase[] = [
  fatal('a message over the limit', tooBig, frame(ofLength(maxMessageBytes + 1))),
  fatal('fragments that are over the limit together', tooBig, ...inFragments(ofLength(20_000), 1000)),
  answered('fragments that are at the limit together', ...inFragments(ofLength(maxMessageBytes), 1024)),
  closed('a frame that claims 2^31 bytes', tooBig, { claims: 2n ** 31n }),
  closed('a frame that claims 2^53 bytes', tooBig, { claims: 2n ** 53n }),
  closed('a frame that claims 2^63 bytes', tooBig, { claims: 2n ** 63n }),
];

export const conformanceCases: Readonly<Record<string, readonly ConformanceCase[]>> = {
  framing,
  'what is reserved': reserved,
  'control frames': control,
  fragmentation,
  'UTF-8': utf8,
  closing,
  limits,
};
