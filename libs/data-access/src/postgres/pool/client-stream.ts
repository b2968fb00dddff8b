import type { Client } from 'pg';

/** The socket below a client, which the driver's types hide. */
export function streamOf(client: Client): { destroy(): void } {
  return (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream;
}
