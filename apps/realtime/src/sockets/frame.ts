import type { ServerMessage } from '@rostrum/contracts';

const finalText = 0x81;

/** A message as it goes out, made once for any number of sockets: the text with its WebSocket header before it. */
export class Frame {
  constructor(
    readonly type: ServerMessage['type'],
    readonly wire: Buffer,
    private readonly headerLength: number,
  ) {}

  /** The text alone, for sockets that compress it. */
  get text(): Buffer {
    return this.wire.subarray(this.headerLength);
  }
}

/** `replyTo` is the id of the client's message that this one answers. */
export function frameOf(message: ServerMessage, replyTo?: string): Frame {
  const text = JSON.stringify(replyTo === undefined ? message : { ...message, id: replyTo });
  return frameOfText(message.type, text);
}

/** Of JSON that is there already, in parts: put together as a text, a long one would be in memory once more. */
export function frameOfText(type: ServerMessage['type'], ...parts: string[]): Frame {
  const length = parts.reduce((sum, part) => sum + Buffer.byteLength(part), 0);
  const headerLength = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  // Not from the pool: a frame that waits for one slow reader would keep all of its neighbours in memory.
  const wire = Buffer.allocUnsafeSlow(headerLength + length);
  wire[0] = finalText;
  if (headerLength === 2) {
    wire[1] = length;
  } else if (headerLength === 4) {
    wire[1] = 126;
    wire.writeUInt16BE(length, 2);
  } else {
    wire[1] = 127;
    wire.writeBigUInt64BE(BigInt(length), 2);
  }
  let at = headerLength;
  for (const part of parts) at += wire.write(part, at);
  return new Frame(type, wire, headerLength);
}
