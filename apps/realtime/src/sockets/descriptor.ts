import { writeSync } from 'node:fs';
import type { Socket } from 'node:net';

/** What Node does not promise: the object that holds the connection, which it lets go of in the turn it is closed in. */
interface SocketInside {
  readonly _handle?: { readonly fd?: number } | null;
}

/**
 * A connection's descriptor, written to without the stream around it: what a stream does for a write (its state, an
 * object for the answer, a call back) costs more than to write, and is only needed for what the kernel does not take.
 */
export class Descriptor {
  private constructor(
    private readonly socket: Socket & SocketInside,
    private readonly handle: object,
    private readonly fd: number,
  ) {}

  /** None where there is something between the stream and the connection, as TLS is, or where Node has no descriptors. */
  static of(socket: Socket & SocketInside): Descriptor | undefined {
    const handle = socket._handle;
    if (handle?.constructor.name !== 'TCP' || handle.fd === undefined || handle.fd < 0) return undefined;
    return new Descriptor(socket, handle, handle.fd);
  }

  /** How many of the bytes have been taken, in their turn. The stream has to be given the others. */
  write(bytes: Buffer): number {
    const { socket, handle, fd } = this;
    // The number of a closed one may be somebody else's by now.
    if (socket._handle !== handle || socket.writableLength > 0) return 0;
    try {
      return writeSync(fd, bytes);
    } catch {
      // It is full, or nobody is there any more: the stream will see so itself.
      return 0;
    }
  }
}
