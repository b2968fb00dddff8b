import type { ServerMessage } from '@rostrum/contracts';

/** A message as it goes out, made once for any number of sockets. */
export interface Frame {
  type: ServerMessage['type'];
  bytes: Buffer;
}

/** `replyTo` is the id of the client's message that this one answers. */
export function frameOf(message: ServerMessage, replyTo?: string): Frame {
  const content = replyTo === undefined ? message : { ...message, id: replyTo };
  return { type: message.type, bytes: Buffer.from(JSON.stringify(content)) };
}
