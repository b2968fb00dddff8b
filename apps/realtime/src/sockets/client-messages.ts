import { clientMessage, type ClientMessage } from '@rostrum/contracts';
import { z } from 'zod';

/** What a frame of a client turns out to be. */
export type Incoming =
  | { kind: 'message'; message: ClientMessage }
  /** A message, but none that this server takes: it is answered with an error, and the socket stays open. */
  | { kind: 'refused'; code: 'UNKNOWN_TYPE' | 'INVALID_MESSAGE'; id: string | undefined }
  /** No message at all. Whoever sends this cannot be talked to. */
  | { kind: 'garbage' };

const garbage: Incoming = { kind: 'garbage' };
const knownTypes: ReadonlySet<string> = new Set(clientMessage.options.map(({ shape }) => shape.type.value));
const anyMessage = z.object({
  type: z.string(),
  id: z.string().max(64).optional().catch(undefined),
});

/**
 * A type that is not known is no reason to close: while a new version is rolled out, newer clients meet older servers.
 */
export function readMessage(data: Buffer, isBinary: boolean): Incoming {
  if (isBinary) return garbage;
  const value = parseJson(data.toString());
  const known = clientMessage.safeParse(value);
  if (known.success) return { kind: 'message', message: known.data };
  const message = anyMessage.safeParse(value);
  if (!message.success) return garbage;
  const { type, id } = message.data;
  return { kind: 'refused', code: knownTypes.has(type) ? 'INVALID_MESSAGE' : 'UNKNOWN_TYPE', id };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
