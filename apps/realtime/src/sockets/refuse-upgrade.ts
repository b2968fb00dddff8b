import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { AppError, Problem } from '@rostrum/errors';

/** Answers an upgrade with a problem, by hand: once a request is an upgrade, Node makes no response for it. */
export function refuseUpgrade(socket: Duplex, problem: Problem, error: Partial<AppError>): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = JSON.stringify(problem);
  const headers: Record<string, string | number> = {
    Connection: 'close',
    'Content-Type': 'application/problem+json',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'X-Request-Id': problem.requestId,
    ...error.headers,
    ...(error.retryAfterSeconds !== undefined && { 'Retry-After': error.retryAfterSeconds }),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n${lines.join('')}\r\n${body}`);
}
