import { once } from 'node:events';
import http from 'node:http';
import { serverMessage, webSocketProtocol, type ServerMessage } from '@rostrum/contracts';
import { waitFor } from '@rostrum/testing';
import { WebSocket, type ClientOptions as WebSocketOptions } from 'ws';

export interface ClientOptions extends WebSocketOptions {
  token?: string;
  protocols?: string[];
  /** Whether the token goes as a sub-protocol, as from a browser, in place of the header. */
  asBrowser?: boolean;
  /** Subscribed to before anything else; `user:me` unless given. */
  channels?: readonly string[];
}

type MessageOf<Type extends ServerMessage['type']> = Extract<ServerMessage, { type: Type }>;

/** A client that keeps everything it is sent; each message must be as the contract says. */
export class LiveClient {
  readonly messages: ServerMessage[] = [];
  private asked = 0;
  readonly closed: Promise<{ code: number; reason: string }>;

  private constructor(readonly socket: WebSocket) {
    socket.on('message', (data) => {
      this.messages.push(serverMessage.parse(JSON.parse(String(data))));
    });
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
  }

  /** Resolves when it has been welcomed. */
  static async open(url: string, options: ClientOptions = {}): Promise<LiveClient> {
    const {
      token,
      asBrowser = false,
      protocols = [webSocketProtocol],
      headers: own,
      channels = ['user:me'],
      ...rest
    } = options;
    const offered = asBrowser ? [...protocols, `bearer.${token}`] : protocols;
    const bearer = asBrowser || token === undefined ? {} : { authorization: `Bearer ${token}` };
    const socket = new WebSocket(url, offered, { headers: { ...bearer, ...own }, ...rest });
    const client = new LiveClient(socket);
    await once(socket, 'open');
    await client.next('welcome');
    for (const channel of channels) await client.subscribe(channel);
    return client;
  }

  send(message: unknown): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** Sends a message with an id of its own and resolves to what it is answered with. */
  async ask(message: { type: string; [field: string]: unknown }): Promise<ServerMessage> {
    const id = `ask-${(this.asked += 1)}`;
    this.send({ ...message, id });
    const isAnswer = (each: ServerMessage) => 'id' in each && each.id === id;
    return waitFor(() => this.messages.find(isAnswer), { what: `an answer to ${message.type}` });
  }

  async subscribe(channel: string, since?: unknown): Promise<MessageOf<'subscribed'>> {
    const answer = await this.ask({ type: 'subscribe', channel, ...(since !== undefined && { since }) });
    if (answer.type !== 'subscribed') throw new Error(`${channel}: ${JSON.stringify(answer)}`);
    return answer;
  }

  of<Type extends ServerMessage['type']>(type: Type): MessageOf<Type>[] {
    return this.messages.filter((message): message is MessageOf<Type> => message.type === type);
  }

  /** The newest message of a type once there are so many. */
  async next<Type extends ServerMessage['type']>(type: Type, count = 1): Promise<MessageOf<Type>> {
    await waitFor(() => this.of(type).length >= count, { what: `${count} × ${type}` });
    return this.of(type).at(-1) as MessageOf<Type>;
  }

  /** Resolves once everything sent before it has been dealt with. */
  async roundTrip(): Promise<void> {
    const id = `round-trip-${this.messages.length}`;
    this.send({ type: 'ping', id });
    await waitFor(() => this.of('pong').some((pong) => pong.id === id), { what: 'the pong' });
  }

  async close(): Promise<void> {
    this.socket.close();
    await this.closed;
  }
}

export interface UpgradeAnswer {
  status: number;
  headers: http.IncomingHttpHeaders;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests say what they expect of it
  json: any;
}

const handshake = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': Buffer.alloc(16, 7).toString('base64'),
  'sec-websocket-protocol': webSocketProtocol,
};

/** Asks for an upgrade by hand; `undefined` leaves a header of the handshake out. */
export function askForUpgrade(
  url: string,
  headers: Record<string, string | undefined> = {},
  method = 'GET',
): Promise<UpgradeAnswer> {
  const given = Object.entries({ ...handshake, ...headers }).filter(([, value]) => value !== undefined);
  return new Promise((resolve, reject) => {
    const request = http.request(url, {
      method,
      headers: Object.fromEntries(given) as Record<string, string>,
    });
    request.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode ?? 0, headers: response.headers, json: undefined });
    });
    request.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, json: JSON.parse(text) }),
      );
    });
    request.on('error', reject);
    request.end();
  });
}
