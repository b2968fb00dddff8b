import { writeSync } from 'node:fs';
import { Socket } from 'node:net';

/** Who writes to a connection's descriptor. */
export interface DescriptorHolder {
  /** Called before the connection is closed: a moment later the number may be another one's. */
  descriptorClosed(): void;
}

const holder = Symbol('holder');
const { _destroy: closeSocket } = Socket.prototype;

interface HeldSocket extends Socket {
  /** What Node does not promise: the object that holds the connection. */
  readonly _handle?: { readonly fd?: number } | null;
  [holder]?: DescriptorHolder;
}

/** Of what has none: where there is something between the stream and the connection, as TLS is, or Node tells of none. */
export const noDescriptor = -1;

/**
 * The number of a socket's connection, which is written to without the stream around it: what a stream does for a write
 * (its state, an object for the answer, a call back) costs more than to write, and is only needed for what the kernel
 * does not take. All ways to close a socket lead through its `_destroy`, which Node has for those who must know.
 */
export function descriptorOf(socket: HeldSocket, by: DescriptorHolder): number {
  const handle = socket._handle;
  if (handle?.constructor.name !== 'TCP' || socket._destroy !== closeSocket) return noDescriptor;
  socket[holder] = by;
  socket._destroy = tellAndClose;
  return handle.fd ?? noDescriptor;
}

/** How many of the bytes have been taken. The stream has to be given the others. */
export function writeTo(descriptor: number, bytes: Buffer): number {
  try {
    return writeSync(descriptor, bytes);
  } catch {
    // It is full, or nobody is there any more: the stream will see so itself.
    return 0;
  }
}

/** One for all sockets: a function for each would cost memory. */
function tellAndClose(this: HeldSocket, ...args: Parameters<typeof closeSocket>): void {
  this[holder]?.descriptorClosed();
  closeSocket.apply(this, args);
}
