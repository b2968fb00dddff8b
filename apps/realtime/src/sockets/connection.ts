import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import type { AccessClaims } from '@rostrum/security';
import { WebSocket } from 'ws';
import type { SocketEvents } from '../business-events';
import {
  closingCodes,
  reasonOfCode,
  reasonOfError,
  type ClosingReason,
  type EndReason,
} from './close-reasons';
import type { Frame } from './frame';
import { MessageBudget, type MessageRate } from './message-budget';
import { Outbox, type SocketPair } from './outbox';
import type { Outflow } from './outflow';

/** What `ws` makes for each client; knowing its connection spares every listener a closure. */
export class LiveSocket extends WebSocket {
  connection?: Connection;
}

/** What all connections of a process share. */
export interface ConnectionSurroundings {
  events: SocketEvents;
  outflow: Outflow;
  rate: MessageRate;
  maxQueueBytes: number;
  maxQueueAgeMs: number;
  heartbeatSeconds: number;
  onMessage: (connection: Connection, data: Buffer, isBinary: boolean) => void;
  onAlive: (connection: Connection) => void;
  onEnd: (connection: Connection) => void;
}

/** Who has come in, from where, and the trace of the request they came with. */
export interface Visitor {
  user: AccessClaims;
  /** The address that its limits are counted by. */
  address: string;
  traceparent: string;
}

export interface OpenedSocket extends SocketPair {
  webSocket: LiveSocket;
  socket: Socket;
}

const textFrame = { binary: false };
const pingFrame = Buffer.from([0x89, 0]);
let connectionsMade = 0;

/** One client: all that is known of it, what it is sent, and the verdict that ends it. */
export class Connection {
  readonly id = randomUUID();
  readonly address: string;
  /** Of the upgrade request: the spans of messages are linked to it. */
  readonly traceparent: string;
  private claims: AccessClaims;
  private readonly webSocket: LiveSocket;
  private readonly socket: Socket;
  private readonly outbox: Outbox;
  private readonly openedAt = performance.now();
  private readonly budget: MessageBudget;
  /** Spreads the pings of all connections evenly over time. */
  private readonly pingTurn: number;
  private answered = true;
  private endReason: EndReason | undefined;

  constructor(
    opened: OpenedSocket,
    { user, address, traceparent }: Visitor,
    private readonly shared: ConnectionSurroundings,
  ) {
    this.claims = user;
    this.address = address;
    this.traceparent = traceparent;
    this.webSocket = opened.webSocket;
    this.socket = opened.socket;
    this.outbox = new Outbox(opened, shared.outflow);
    this.budget = new MessageBudget(shared.rate, this.openedAt);
    this.pingTurn = connectionsMade++ % shared.heartbeatSeconds;
    this.webSocket.connection = this;
    this.webSocket.on('message', onMessage).on('ping', onPing).on('pong', onPong);
    this.webSocket.on('error', onError).on('close', onClose);
  }

  get user(): AccessClaims {
    return this.claims;
  }

  get ageMs(): number {
    return performance.now() - this.openedAt;
  }

  /** Bytes that wait because the client does not read them. */
  get queuedBytes(): number {
    return this.outbox.size;
  }

  get isOpen(): boolean {
    return this.endReason === undefined;
  }

  send(frame: Frame): void {
    if (this.endReason !== undefined) return;
    if (this.webSocket.extensions !== '') this.sendCompressed(frame);
    else if (!this.outbox.add(frame, this.shared.maxQueueBytes)) this.close('slow_reader');
  }

  /** Resolves when the client has taken what it was sent: who has much to send does so bit by bit. */
  whenTaken(): Promise<void> {
    return this.outbox.whenTaken();
  }

  /** The same person has come with a newer token of the same session. */
  renew(user: AccessClaims): void {
    this.claims = user;
  }

  /** Says goodbye. Whatever still comes from the client is not looked at any more. */
  close(reason: ClosingReason): void {
    if (this.endReason !== undefined) return;
    this.endReason = reason;
    if (reason === 'slow_reader') this.outbox.discard();
    else this.outbox.writeAll();
    this.webSocket.close(closingCodes[reason], reason);
  }

  /** Hangs up at once and frees what waits to be sent. */
  terminate(reason: EndReason): void {
    this.endReason ??= reason;
    this.outbox.discard();
    this.webSocket.terminate();
  }

  /** Called once a second. `turn` counts the calls, `now` is in seconds since 1970. */
  beat(turn: number, now: number): void {
    if (this.endReason !== undefined) {
      // It would not read its close frame either.
      if (this.endReason === 'slow_reader') this.webSocket.terminate();
    } else if (this.claims.expiresAt <= now) {
      this.close('token_expired');
    } else if (this.outbox.isOlderThan(this.shared.maxQueueAgeMs, performance.now())) {
      this.close('slow_reader');
    } else if (turn % this.shared.heartbeatSeconds === this.pingTurn) {
      this.ping();
    }
  }

  received(data: Buffer, isBinary: boolean): void {
    if (!this.spend()) return;
    this.shared.onMessage(this, data, isBinary);
  }

  /** Pings cost as much as messages, and their answers wait in the same queue. */
  pinged(data: Buffer): void {
    if (!this.spend()) return;
    if (this.outbox.size + data.length > this.shared.maxQueueBytes) this.close('slow_reader');
    else this.webSocket.pong(data);
  }

  ponged(): void {
    this.answered = true;
    this.shared.onAlive(this);
  }

  failed(error: Error): void {
    this.endReason ??= reasonOfError(error);
  }

  ended(code: number): void {
    this.outbox.discard();
    this.shared.events.connectionClosed((this.endReason ??= reasonOfCode(code)), this);
    this.shared.onEnd(this);
  }

  private ping(): void {
    if (!this.answered) {
      this.terminate('unresponsive');
      return;
    }
    this.answered = false;
    if (this.webSocket.readyState === WebSocket.OPEN) this.socket.write(pingFrame);
  }

  /** Costs a compression for each socket, which is why it is not the usual way. */
  private sendCompressed(frame: Frame): void {
    if (this.webSocket.bufferedAmount + frame.wire.length > this.shared.maxQueueBytes) {
      this.close('slow_reader');
      return;
    }
    this.webSocket.send(frame.text, textFrame);
    this.shared.events.messagesSent(frame.type, 1);
  }

  private spend(): boolean {
    if (this.endReason !== undefined) return false;
    this.answered = true;
    if (this.budget.take(performance.now())) return true;
    this.close('rate_limited');
    return false;
  }
}

function onMessage(this: LiveSocket, data: unknown, isBinary: boolean): void {
  // `ws` hands out one buffer per message unless it is told otherwise.
  this.connection?.received(data as Buffer, isBinary);
}

function onPing(this: LiveSocket, data: Buffer): void {
  this.connection?.pinged(data);
}

function onPong(this: LiveSocket): void {
  this.connection?.ponged();
}

function onError(this: LiveSocket, error: Error): void {
  this.connection?.failed(error);
}

function onClose(this: LiveSocket, code: number): void {
  this.connection?.ended(code);
}
