import { randomUUID } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { EndedConnection, SocketEvents } from '../src/business-events';
import { Connection, type ConnectionSurroundings } from '../src/sockets/connection';
import type { EndReason } from '../src/sockets/close-reasons';
import { frameOf } from '../src/sockets/frame';
import { Outflow } from '../src/sockets/outflow';
import { createWebSocketServer } from '../src/sockets/web-socket-server';

export type StageOptions = Partial<
  Pick<ConnectionSurroundings, 'maxQueueBytes' | 'maxQueueAgeMs' | 'heartbeatSeconds' | 'rate'>
> & { compression?: boolean };

const aDay = 86_400;

/** The sockets alone, without what decides who may come in and what they are told. Time passes only by `beat`. */
export class SocketStage {
  readonly connections: Connection[] = [];
  readonly ends: EndReason[] = [];
  readonly sent = new Map<string, number>();
  readonly messages: string[] = [];
  private turn = 0;
  private readonly server = http.createServer();
  private readonly sockets = new Set<Socket>();

  private constructor(options: StageOptions) {
    const webSockets = createWebSocketServer({ compression: options.compression ?? false });
    const shared = this.surroundings(options);
    this.server.on('upgrade', (request, socket, head) => {
      webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        this.sockets.add(socket as Socket);
        const visitor = { user: someone(), address: '127.0.0.1', traceparent: '' };
        this.connections.push(new Connection({ webSocket, socket: socket as Socket }, visitor, shared));
      });
    });
  }

  static async open(options: StageOptions = {}): Promise<SocketStage> {
    const stage = new SocketStage(options);
    await new Promise<void>((resolve) => stage.server.listen(0, '127.0.0.1', resolve));
    return stage;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get queuedBytes(): number {
    return this.connections.reduce((sum, { queuedBytes }) => sum + queuedBytes, 0);
  }

  /** The same event to all, made once. */
  broadcast(data: unknown): void {
    const frame = eventFrame(data);
    for (const connection of this.connections) connection.send(frame);
  }

  /** Lets a second pass. */
  beat(): void {
    this.turn += 1;
    for (const connection of this.connections) connection.beat(this.turn, Date.now() / 1000);
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private surroundings(options: StageOptions): ConnectionSurroundings {
    const count = (type: string, added: number) => this.sent.set(type, (this.sent.get(type) ?? 0) + added);
    const events: Pick<SocketEvents, 'connectionClosed' | 'messagesSent'> = {
      connectionClosed: (reason: EndReason, _ended: EndedConnection) => this.ends.push(reason),
      messagesSent: count,
    };
    return {
      // What is not given is never asked for by a connection.
      events: events as SocketEvents,
      outflow: new Outflow({ onSent: count }),
      rate: options.rate ?? { perSecond: 50, burst: 100 },
      maxQueueBytes: options.maxQueueBytes ?? 262_144,
      maxQueueAgeMs: options.maxQueueAgeMs ?? 60_000,
      heartbeatSeconds: options.heartbeatSeconds ?? 1_000_000,
      onMessage: (_connection, data) => this.messages.push(data.toString()),
      onAlive: () => undefined,
      onEnd: (connection) => this.connections.splice(this.connections.indexOf(connection), 1),
    };
  }
}

export function eventFrame(data: unknown) {
  const time = new Date().toISOString();
  return frameOf({ type: 'event', channel: 'user:me', id: randomUUID(), name: 'noise', data, time });
}

function someone() {
  const now = Math.floor(Date.now() / 1000);
  return {
    userId: randomUUID(),
    sessionId: randomUUID(),
    username: 'someone',
    roles: [],
    keyId: 'key',
    issuedAt: now,
    expiresAt: now + aDay,
  };
}
