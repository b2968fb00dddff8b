import { once } from 'node:events';
import net from 'node:net';

/** A TCP proxy that keeps what clients send, packet by packet: what they write at once arrives at once. */
export interface RecordingProxy {
  /** The given URL with the proxy's address in place of its own. */
  urlFor(url: string): string;
  /** What has been sent to the server since `clear`, in order. */
  packets(): string[];
  clear(): void;
  close(): Promise<void>;
}

export async function startRecordingProxy({ target }: { target: string }): Promise<RecordingProxy> {
  const { hostname, port } = new URL(target);
  const packets: string[] = [];
  const sockets = new Set<net.Socket>();
  const server = net.createServer((client) => {
    const upstream = net.connect(Number(port), hostname);
    client.on('data', (bytes) => {
      packets.push(bytes.toString('latin1'));
      upstream.write(bytes);
    });
    upstream.on('data', (bytes) => client.write(bytes));
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one.setNoDelay(true));
      one
        .on('error', () => one.destroy())
        .on('close', () => {
          sockets.delete(one);
          other.destroy();
        });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    urlFor: (url) => {
      const changed = new URL(url);
      changed.hostname = '127.0.0.1';
      changed.port = String((server.address() as net.AddressInfo).port);
      return changed.href;
    },
    packets: () => [...packets],
    clear: () => void packets.splice(0),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
