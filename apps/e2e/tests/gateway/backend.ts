import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';

export interface Seen {
  method: string;
  url: string;
  headers: http.IncomingHttpHeaders;
  rawHeaders: string[];
  body: string;
}

export interface Backend {
  name: string;
  url: string;
  opsPort: number;
  /** Every request that reached its public port. */
  seen: Seen[];
  ready: boolean;
  /** Lets the requests of `?do=late` go. */
  answerLate(): void;
  /** Listens no more and drops what is open; its ports stay its own for `revive`. */
  kill(): Promise<void>;
  revive(): Promise<void>;
  /** Listens no more and ends when what it has is answered. */
  drain(): Promise<void>;
  stop(): Promise<void>;
}

type Behaviour = (request: http.IncomingMessage, response: http.ServerResponse) => void;

/** What `?do=` makes a backend do instead of telling what it was asked. */
const behaviours: Record<string, Behaviour> = {
  // Never answers.
  hang: () => undefined,
  // Sends half of what it promised, then breaks the connection.
  abort: (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 });
    response.write('{"half":', () => response.destroy());
  },
  // Sends one part and waits for the test to ask for the rest with another request.
  stream: (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: first\n\n');
  },
  'plain-502': (_request, response) =>
    response.writeHead(502, { 'content-type': 'text/plain' }).end('Bad Gateway'),
  'bare-503': (_request, response) => response.writeHead(503).end('Service Unavailable'),
  // Answers before it has read the body.
  refuse: (_request, response) =>
    response.writeHead(413, { 'content-type': 'application/problem+json' }).end('{"code":"ITS_OWN"}'),
  problem: (_request, response) =>
    response.writeHead(503, { 'content-type': 'application/problem+json' }).end('{"code":"ITS_OWN"}'),
  large: (_request, response) => {
    const body = JSON.stringify({
      items: Array.from({ length: 200 }, (_, index) => ({ index, text: 'some text' })),
    });
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': body.length,
      etag: '"v1"',
    });
    response.end(body);
  },
  'not-modified': (_request, response) => response.writeHead(304, { etag: '"v1"' }).end(),
  cookies: (_request, response) =>
    response.setHeader('set-cookie', ['session=canary-set-cookie; Secure', 'csrf=1']).end('{}'),
  hsts: (_request, response) => response.setHeader('strict-transport-security', 'max-age=1').end('{}'),
};

const unparsable = [
  'HTTP/1.1 431 Too Large',
  'Connection: close',
  'Content-Type: application/problem+json',
  'Content-Length: 18',
  '',
  '{"code":"ITS_OWN"}',
].join('\r\n');

/** A small service: tells in JSON what reached it, or does what `?do=` says; readiness on an ops port; echoes on /ws. */
export async function startBackend(name: string): Promise<Backend> {
  const seen: Seen[] = [];
  const late: http.ServerResponse[] = [];
  const app = http.createServer((request, response) =>
    answer({ name, seen, late }, request, response).catch(() => undefined),
  );
  app.on('clientError', (_error, socket) => socket.end(unparsable));
  app.keepAliveTimeout = 65_000;
  const ops = http.createServer((_request, response) => response.writeHead(backend.ready ? 200 : 503).end());
  upgradeSockets(app, seen);
  const port = await listen(app, 0);
  const opsPort = await listen(ops, 0);
  const kill = async () => void (await Promise.all([close(app), close(ops)]));
  const backend: Backend = {
    answerLate: () => late.splice(0).forEach((response) => response.end('{"late":true}')),
    name,
    url: `http://127.0.0.1:${port}`,
    opsPort,
    seen,
    ready: true,
    kill,
    revive: async () => void (await Promise.all([listen(app, port), listen(ops, opsPort)])),
    drain: async () => void (await Promise.all([drain(app), drain(ops)])),
    stop: kill,
  };
  return backend;
}

interface State {
  name: string;
  seen: Seen[];
  late: http.ServerResponse[];
}

async function answer(
  { name, seen, late }: State,
  request: http.IncomingMessage,
  response: http.ServerResponse,
) {
  const { method = '', url = '', headers, rawHeaders } = request;
  if (url.includes('do=refuse')) return behaviours.refuse?.(request, response);
  const body = (await request.toArray()).join('');
  seen.push({ method, url, headers, rawHeaders, body });
  response.setHeader('x-request-id', headers['x-request-id'] ?? 'none');
  const wanted = new URL(url, 'http://backend').searchParams.get('do') ?? '';
  if (wanted === 'late') return late.push(response.writeHead(200, { 'content-type': 'application/json' }));
  const behaviour = behaviours[wanted];
  if (behaviour) return behaviour(request, response);
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ name, method, url, headers, rawHeaders, body }));
}

function upgradeSockets(app: http.Server, seen: Seen[]) {
  const sockets = new WebSocketServer({ noServer: true });
  sockets.on('headers', (lines, { headers }) =>
    lines.push(`X-Request-Id: ${String(headers['x-request-id'])}`),
  );
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(`echo ${String(data)}`)));
  app.on('upgrade', (request, socket, head) => {
    const { method = '', url = '', headers, rawHeaders } = request;
    seen.push({ method, url, headers, rawHeaders, body: '' });
    sockets.handleUpgrade(request, socket, head, (client) => sockets.emit('connection', client, request));
  });
  app.on('close', () => sockets.clients.forEach((client) => client.terminate()));
}

async function listen(server: http.Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) =>
    server.once('error', reject).listen(port, '127.0.0.1', resolve),
  );
  return (server.address() as AddressInfo).port;
}

async function close(server: http.Server): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<unknown>((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
}

async function drain(server: http.Server): Promise<void> {
  const closed = new Promise<unknown>((resolve) => server.close(resolve));
  // A connection that was busy at that moment becomes idle later.
  const sweep = setInterval(() => server.closeIdleConnections(), 5);
  await closed;
  clearInterval(sweep);
}
