import { Connection } from 'pg';

/** What a cancel request is made of, and what carries it; the driver's types leave it out of a client. */
export interface Cancellable {
  host: string;
  port: number;
  ssl: object | boolean;
  processID: number | null;
  secretKey: number | null;
}

interface CancelConnection extends Connection {
  connect(port: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processId: number, secretKey: number): void;
}

const limitMs = 2_000;

/**
 * Asks the server to end what a connection is doing, over a connection of its own, so that it works when the pool is
 * exhausted, and as safe from listeners as the first. Resolves once the server has taken note, or is not there to do
 * so; never rejects.
 */
export function cancelStatement(client: Cancellable): Promise<void> {
  const { host, port, ssl, processID, secretKey } = client;
  if (processID === null || secretKey === null) return Promise.resolve();
  const request = new Connection({ ssl }) as CancelConnection;
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      request.stream.destroy();
      resolve();
    };
    const timer = setTimeout(end, limitMs);
    request.on('error', end);
    request.on('end', end);
    request.on('connect', () => (ssl ? request.requestSsl() : request.cancel(processID, secretKey)));
    request.on('sslconnect', () => request.cancel(processID, secretKey));
    if (host.startsWith('/')) request.connect(`${host}/.s.PGSQL.${port}`);
    else request.connect(port, host);
  });
}
