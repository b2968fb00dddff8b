import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';

/** Below what systems give to outgoing connections, which could take a port between its choice and its use. */
const range = { from: 12_000, to: 32_000 };

/** A port that was free a moment ago; callers retry with another when they lose the race for it. */
export async function freePort(host = '127.0.0.1') {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const port = range.from + Math.floor(Math.random() * (range.to - range.from));
    if (await isPortFree(port, host)) return port;
  }
  throw new Error(`No port between ${range.from} and ${range.to} is free on ${host}`);
}

/** Whether a server may listen here: tried by listening, so that a port held by anything at all counts as taken. */
export function isPortFree(port, host) {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Resolves to whether something accepts connections at the port. */
export function canConnect(port, host = '127.0.0.1', timeoutMs = 1000) {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host });
    const settle = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(timeoutMs, () => settle(false));
    socket.once('connect', () => settle(true)).once('error', () => settle(false));
  });
}

/** The process that listens at a port, as far as the system lets us see (Linux only): `{ pid, command }`. */
export function portHolder(port) {
  try {
    const inodes = listeningInodes(port);
    if (inodes.size === 0) return undefined;
    for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      if (holdsSocket(pid, inodes)) return { pid: Number(pid), command: commandLine(pid) };
    }
  } catch {
    // No /proc here, or not ours to read: the port's number has to do.
  }
  return undefined;
}

function listeningInodes(port) {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  const inodes = new Set();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    if (!fs.existsSync(table)) continue;
    for (const row of fs.readFileSync(table, 'utf8').split('\n').slice(1)) {
      const columns = row.trim().split(/\s+/);
      const listening = columns[3] === '0A';
      if (listening && columns[1]?.endsWith(`:${wanted}`)) inodes.add(columns[9]);
    }
  }
  return inodes;
}

function holdsSocket(pid, inodes) {
  const folder = path.join('/proc', pid, 'fd');
  try {
    return fs.readdirSync(folder).some((fd) => {
      const target = fs.readlinkSync(path.join(folder, fd));
      return target.startsWith('socket:[') && inodes.has(target.slice(8, -1));
    });
  } catch {
    return false;
  }
}

function commandLine(pid) {
  return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean).join(' ');
}
