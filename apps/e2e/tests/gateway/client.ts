import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';
import type { Stage } from './stage';

export interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  rawHeaders: string[];
  body: Buffer;
  text: string;
  json: Record<string, unknown>;
}

export interface Ask {
  method?: string;
  headers?: http.OutgoingHttpHeaders | string[];
  body?: string | Buffer;
  agent?: https.Agent;
  /** Over plain HTTP, at the entry point that redirects. */
  plain?: boolean;
}

/** One request, its path sent exactly as given. */
export async function ask(stage: Stage, target: string, options: Ask = {}): Promise<Answer> {
  try {
    return await collect(await send(stage, target, options));
  } catch (error) {
    throw new Error(`${options.method ?? 'GET'} ${target}: ${(error as Error).message}`, { cause: error });
  }
}

function send(stage: Stage, target: string, options: Ask): Promise<http.IncomingMessage> {
  const { method = 'GET', headers = {}, body, agent = false, plain = false } = options;
  const url = new URL(plain ? stage.gateway.httpUrl : stage.gateway.url);
  const sent = { host: url.hostname, port: url.port, path: target, method, headers };
  return new Promise((resolve, reject) => {
    const request = plain
      ? http.request({ ...sent, agent: false }, resolve)
      : https.request({ ...sent, agent, ca: stage.certificate, servername: 'localhost' }, resolve);
    // Node frames a DELETE's body only when it is told the length.
    if (body !== undefined) request.setHeader('content-length', Buffer.byteLength(body));
    request.once('error', reject).end(body);
  });
}

async function collect(response: http.IncomingMessage): Promise<Answer> {
  const body = Buffer.concat((await response.toArray()) as Buffer[]);
  const text = body.toString();
  const { statusCode: status = 0, headers, rawHeaders } = response;
  const isJson = /json/.test(headers['content-type'] ?? '') && !headers['content-encoding'] && text !== '';
  const json = isJson ? JSON.parse(text) : {};
  return { status, headers, rawHeaders, body, text, json: json as Record<string, unknown> };
}

/** All values of a header, told apart. */
export function values({ rawHeaders }: { rawHeaders: string[] }, name: string): string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name);
}

/** Sends bytes over TLS (or plain) and resolves with all that comes back until the other side closes. */
export async function sendRaw(stage: Stage, bytes: string, { plain = false } = {}): Promise<string> {
  const socket = plain ? plainSocket(stage) : await secureSocket(stage);
  socket.write(bytes);
  return (await socket.toArray().catch(() => [])).join('');
}

function plainSocket(stage: Stage): net.Socket {
  const { hostname, port } = new URL(stage.gateway.url);
  return net.connect({ host: hostname, port: Number(port) });
}

export async function secureSocket(
  stage: Stage,
  options: tls.ConnectionOptions = {},
): Promise<tls.TLSSocket> {
  const { hostname, port } = new URL(stage.gateway.url);
  const ca = stage.certificate;
  const socket = tls.connect({ host: hostname, port: Number(port), ca, servername: 'localhost', ...options });
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  return socket;
}
