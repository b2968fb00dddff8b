import type { ServerMessage } from '@rostrum/contracts';

/** A message as it goes out, made once for any number of sockets. */
export interface Frame {
  type: ServerMessage['type'];
  bytes: Buffer;
}

export function frameOf(message: ServerMessage): Frame {
  return { type: message.type, bytes: Buffer.from(JSON.stringify(message)) };
}
