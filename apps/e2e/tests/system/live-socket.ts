import { serverMessage, webSocketProtocol, type ServerMessage } from '@rostrum/contracts';
import { waitFor } from '@rostrum/testing';
import WebSocket from 'ws';
import type { System } from './system';

type LiveEvent = Extract<ServerMessage, { type: 'event' }>;

/** What is told may have gone through three workers, on a machine that has other things to do. */
const patient = { timeoutMs: 30_000 };

/** A client of `/ws` through the gateway, which keeps what it is sent; each message must be as the contract says. */
export class LiveSocket {
  readonly messages: ServerMessage[] = [];

  private constructor(private readonly socket: WebSocket) {
    socket.on('message', (data) => this.messages.push(serverMessage.parse(JSON.parse(String(data)))));
    socket.on('error', () => undefined);
  }

  /** Resolves when it is subscribed. */
  static async open(
    { gateway, certificate }: Pick<System, 'gateway' | 'certificate'>,
    { token, channels = [] }: { token: string; channels?: readonly string[] },
  ): Promise<LiveSocket> {
    const url = `${gateway.url.replace('https', 'wss')}/ws`;
    const live = new LiveSocket(
      new WebSocket(url, [webSocketProtocol, `bearer.${token}`], { ca: certificate }),
    );
    await live.next((message) => message.type === 'welcome', 'a welcome');
    for (const channel of channels) await live.subscribe(channel);
    return live;
  }

  send(message: object): void {
    this.socket.send(JSON.stringify(message));
  }

  async subscribe(channel: string): Promise<void> {
    const answer = await this.tryToSubscribe(channel);
    if (answer.type !== 'subscribed') throw new Error(`${channel}: ${JSON.stringify(answer)}`);
  }

  tryToSubscribe(channel: string): Promise<ServerMessage> {
    const id = `subscribe ${this.messages.length}`;
    this.send({ type: 'subscribe', channel, id });
    return this.next((message) => 'id' in message && message.id === id, `an answer about ${channel}`);
  }

  /** The first message of all that is as wanted. */
  next(isWanted: (message: ServerMessage) => boolean, what: string): Promise<ServerMessage> {
    return waitFor(() => this.messages.find(isWanted), { what, ...patient });
  }

  /** The first event of the name whose data has these values. */
  async event(name: string, wanted: Record<string, unknown> = {}): Promise<LiveEvent> {
    const isWanted = (data: unknown) =>
      Object.entries(wanted).every(([key, value]) => (data as Record<string, unknown>)[key] === value);
    const found = await this.next(
      (message) => message.type === 'event' && message.name === name && isWanted(message.data),
      name,
    );
    return found as LiveEvent;
  }

  events(name: string): LiveEvent[] {
    return this.messages.filter(
      (message): message is LiveEvent => message.type === 'event' && message.name === name,
    );
  }

  /** Resolves when all that was sent before it is here. */
  async roundTrip(): Promise<void> {
    const id = `ping ${this.messages.length}`;
    this.send({ type: 'ping', id });
    await this.next((message) => message.type === 'pong' && message.id === id, 'a pong');
  }

  close(): void {
    this.socket.terminate();
  }
}
