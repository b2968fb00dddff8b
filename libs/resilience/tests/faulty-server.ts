import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A server over real sockets that does what a test says, request by request. */
export class FaultyServer {
  readonly requests: { method: string; path: string; headers: IncomingMessage['headers']; body: string }[] =
    [];
  /** How many requests were given up by their client before they were answered. */
  abandoned = 0;
  underWay = 0;
  mostUnderWay = 0;
  /** What is done by default. */
  handler: Handler = (_request, response) => response.end('fine');
  private planned: Handler[] = [];
  private port = 0;

  private constructor(private server: Server) {}

  static async start(): Promise<FaultyServer> {
    const faulty = new FaultyServer(createServer());
    await faulty.open();
    return faulty;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** What is done with the next requests, one after the other. */
  plan(...handlers: Handler[]): void {
    this.planned = handlers;
  }

  /** From now on connections are refused. */
  async close(): Promise<void> {
    this.server.closeAllConnections();
    if (this.server.listening) await new Promise((resolve) => this.server.close(resolve));
  }

  /** The same address answers again. */
  async reopen(): Promise<void> {
    this.server = createServer();
    await this.open();
  }

  private async open(): Promise<void> {
    this.server.on('request', (request, response) => void this.serve(request, response));
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = (this.server.address() as AddressInfo).port;
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.underWay += 1;
    this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay);
    response.on('close', () => {
      this.underWay -= 1;
      if (!response.writableFinished) this.abandoned += 1;
    });
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk as string;
    this.requests.push({
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      body,
    });
    (this.planned.shift() ?? this.handler)(request, response);
  }
}

export const answers = {
  status:
    (status: number, headers: Record<string, string> = {}): Handler =>
    (_request, response) =>
      response.writeHead(status, headers).end(String(status)),
  /** Takes the request and says nothing. */
  silence: (): Handler => () => undefined,
  /** Begins an answer and never ends it. */
  half: (): Handler => (_request, response) =>
    response.writeHead(200, { 'content-length': '100' }).write('half'),
  reset: (): Handler => (request) => request.socket.resetAndDestroy(),
  large:
    (bytes: number): Handler =>
    (_request, response) =>
      response.end(Buffer.alloc(bytes, 'x')),
};
