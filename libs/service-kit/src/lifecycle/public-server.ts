import {
  createServer,
  STATUS_CODES,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { HttpApp } from '../http/http-app';
import { expressMessages } from '../http/express-messages';

/** Longer than the gateway keeps an idle connection, so that it is never the one that is surprised. */
const keepAliveTimeoutMs = 65_000;
const headersTimeoutMs = 20_000;
const requestTimeoutMs = 60_000;
const maxHeaderSize = 16 * 1024;

/** The HTTP server of the public port, with limits on what a client may send and how slowly. */
export function createPublicServer({ app, listener }: Pick<HttpApp, 'app' | 'listener'>): Server {
  const options = {
    ...expressMessages(app),
    maxHeaderSize,
    requestTimeout: requestTimeoutMs,
    headersTimeout: headersTimeoutMs,
    // A request without a body needs no stream to be opened, read to its end and closed.
    optimizeEmptyRequests: true,
    // Any other upgrade that a client offers (h2c, say) is declined by answering the request as it is.
    shouldUpgradeCallback: ({ headers }: IncomingMessage) =>
      server.listenerCount('upgrade') > 0 && headers.upgrade?.toLowerCase() === 'websocket',
  };
  const server: Server = createServer(options, listener as RequestListener);
  server.keepAliveTimeout = keepAliveTimeoutMs;
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => refuse(error, socket as Socket));
  return server;
}

const refusals: Record<string, [number, string]> = {
  HPE_HEADER_OVERFLOW: [431, 'HEADERS_TOO_LARGE'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'REQUEST_TIMEOUT'],
};

/** What cannot even be parsed gets a problem too; it never reaches Express, and its request id is not known. */
function refuse(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, code] = refusals[error.code ?? ''] ?? [400, 'MALFORMED_REQUEST'];
  const type = `urn:rostrum:problem:${code.toLowerCase().replaceAll('_', '-')}`;
  const body = JSON.stringify({
    type,
    title: STATUS_CODES[status],
    status,
    instance: '',
    code,
    requestId: '',
  });
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n` +
      'X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\nContent-Type: application/problem+json\r\n' +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** Resolves with the port once the server listens. */
export async function listen(
  server: Server,
  { port, host }: { port: number; host: string },
): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return (server.address() as AddressInfo).port;
}
