import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { ended, hasEnded, spawnServer, stopChild, tailOfFile } from './child-process.mjs';
import { waitUntil } from './wait-until.mjs';

/** Starts nats-server with JetStream on a loopback port and resolves when it takes clients: `{ child, stop() }`. */
export async function startNats({ binary, folder, port, logFile }) {
  const configFile = path.join(folder, 'nats.conf');
  fs.writeFileSync(configFile, natsConfig({ folder, port }), { mode: 0o600 });
  const child = spawnServer(binary.command, ['-c', configFile], {
    logFile,
    env: { ...process.env, ...binary.env },
  });
  const exit = ended(child);
  try {
    await waitUntil(() => hasEnded(child) || takesClients(port), { timeoutMs: 60_000 });
  } catch (error) {
    await stopChild(child, { limitMs: 2000 });
    throw error;
  }
  if (hasEnded(child)) {
    const { code, error } = await exit;
    throw new Error(`NATS ended with ${error?.message ?? `code ${code}`}: ${tailOfFile(logFile, 5)}`);
  }
  return { child, stop: () => stopChild(child, { signal: 'SIGTERM', limitMs: 10_000 }) };
}

/** Text in NATS's own notation: JSON's strings are strings there too. */
function natsConfig({ folder, port }) {
  return [
    `host: "127.0.0.1"`,
    `port: ${port}`,
    `jetstream { store_dir: ${JSON.stringify(path.join(folder, 'jetstream'))}, max_file_store: 1GB }`,
    '',
  ].join('\n');
}

/** A server greets with what it is; one whose streams are not up yet says that it has none. */
function takesClients(port) {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: '127.0.0.1' });
    const settle = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    let received = '';
    socket.setTimeout(1000, () => settle(false));
    socket.once('error', () => settle(false));
    socket.once('close', () => settle(false));
    socket.on('data', (chunk) => {
      received += chunk;
      if (received.includes('\r\n')) settle(/^INFO .*"jetstream":true/.test(received));
    });
  });
}
