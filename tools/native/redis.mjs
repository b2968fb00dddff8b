import net from 'node:net';
import { ended, hasEnded, spawnServer, stopChild, tailOfFile } from './child-process.mjs';
import { waitUntil } from './wait-until.mjs';

/**
 * Starts redis-server (or valkey-server) on a loopback port and resolves when it answers: `{ child, stop() }`.
 * Its settings are in a file, so that a password is on no command line.
 */
export async function startRedis({ binary, configFile, port, password, logFile }) {
  const child = spawnServer(binary.command, [configFile], {
    logFile,
    env: { ...process.env, ...binary.env },
  });
  const exit = ended(child);
  try {
    await waitUntil(() => hasEnded(child) || answersPing(port, password), { timeoutMs: 60_000 });
  } catch (error) {
    await stopChild(child, { limitMs: 2000 });
    throw error;
  }
  if (hasEnded(child)) {
    const { code, error } = await exit;
    throw new Error(`Redis ended with ${error?.message ?? `code ${code}`}: ${tailOfFile(logFile, 5)}`);
  }
  return { child, stop: () => stopChild(child, { signal: 'SIGTERM', limitMs: 10_000 }) };
}

/** A configuration file's text from names and values. */
export function redisConfig(settings) {
  const quoted = (value) => `"${String(value).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
  return Object.entries(settings)
    .map(([name, value]) => `${name} ${quoted(value)}\n`)
    .join('');
}

function answersPing(port, password) {
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
    socket.once('connect', () => socket.write(`${password ? `AUTH ${password}\r\n` : ''}PING\r\n`));
    socket.on('data', (chunk) => {
      received += chunk;
      if (received.includes('+PONG')) settle(true);
      if (received.includes('-')) settle(false);
    });
  });
}
