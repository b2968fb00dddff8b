import net from 'node:net';

/** What the protocol's cancel request needs to know of the connection whose statement is to end. */
export interface Cancellable {
  host: string;
  port: number;
  processID: number | null;
  secretKey: number | null;
}

const cancelRequestCode = 80877102;
const limitMs = 2_000;

/**
 * Asks the server to end what a connection is doing, over a connection of its own, so that it works when the pool is
 * exhausted. Resolves once the server has taken note, or is not there to do so; never rejects.
 */
export function cancelStatement({ host, port, processID, secretKey }: Cancellable): Promise<void> {
  if (processID === null || secretKey === null) return Promise.resolve();
  const request = Buffer.alloc(16);
  request.writeInt32BE(16, 0);
  request.writeInt32BE(cancelRequestCode, 4);
  request.writeInt32BE(processID, 8);
  request.writeInt32BE(secretKey, 12);
  return new Promise((resolve) => {
    const socket = host.startsWith('/')
      ? net.connect(`${host}/.s.PGSQL.${port}`)
      : net.connect({ host, port });
    socket.setTimeout(limitMs, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.once('close', () => resolve());
    socket.end(request);
  });
}
