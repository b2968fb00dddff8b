import { randomUUID } from 'node:crypto';
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

/** What `ws` makes for each client; knowing its connection spares every listener a closure. */
export class LiveSocket extends WebSocket {
  connection?: Connection;
}

/** What all connections of a process share. */
export interface ConnectionSurroundings {
  events: SocketEvents;
  rate: MessageRate;
  maxQueueBytes: number;
  heartbeatSeconds: number;
  onMessage: (connection: Connection, data: Buffer, isBinary: boolean) => void;
  onAlive: (connection: Connection) => void;
  onEnd: (connection: Connection) => void;
}

/** Who has come in, and the trace of the request they came with. */
export interface Visitor {
  user: AccessClaims;
  traceparent: string;
}

const textFrame = { binary: false };
let connectionsMade = 0;

/** One client: all that is known of it, what it is sent, and the verdict that ends it. */
export class Connection {
  readonly id = randomUUID();
  readonly user: AccessClaims;
  /** Of the upgrade request: the spans of messages are linked to it. */
  readonly traceparent: string;
  private readonly openedAt = performance.now();
  private readonly budget: MessageBudget;
  /** Spreads the pings of all connections evenly over time. */
  private readonly pingTurn: number;
  private answered = true;
  private endReason: EndReason | undefined;

  constructor(
    private readonly socket: LiveSocket,
    visitor: Visitor,
    private readonly shared: ConnectionSurroundings,
  ) {
    this.user = visitor.user;
    this.traceparent = visitor.traceparent;
    this.budget = new MessageBudget(shared.rate, this.openedAt);
    this.pingTurn = connectionsMade++ % shared.heartbeatSeconds;
    socket.connection = this;
    socket.on('message', onMessage).on('ping', onPing).on('pong', onPong);
    socket.on('error', onError).on('close', onClose);
  }

  get ageMs(): number {
    return performance.now() - this.openedAt;
  }

  /** Bytes that wait because the client does not read them. */
  get queuedBytes(): number {
    return this.socket.bufferedAmount;
  }

  send({ type, bytes }: Frame): void {
    if (this.endReason !== undefined || !this.hasRoomFor(bytes)) return;
    this.socket.send(bytes, textFrame);
    this.shared.events.messageSent(type);
  }

  /** Says goodbye. Whatever still comes from the client is not looked at any more. */
  close(reason: ClosingReason): void {
    if (this.endReason !== undefined) return;
    this.endReason = reason;
    this.socket.close(closingCodes[reason], reason);
  }

  /** Hangs up at once and frees what waits to be sent. */
  terminate(reason: EndReason): void {
    this.endReason ??= reason;
    this.socket.terminate();
  }

  /** Called once a second. `turn` counts the calls, `now` is in seconds since 1970. */
  beat(turn: number, now: number): void {
    if (this.endReason !== undefined) return;
    if (this.user.expiresAt <= now) {
      this.close('token_expired');
    } else if (turn % this.shared.heartbeatSeconds === this.pingTurn) {
      this.ping();
    }
  }

  private ping(): void {
    if (!this.answered) {
      this.terminate('unresponsive');
      return;
    }
    this.answered = false;
    this.socket.ping();
  }

  received(data: Buffer, isBinary: boolean): void {
    if (!this.spend()) return;
    this.shared.onMessage(this, data, isBinary);
  }

  /** Pings cost as much as messages, and their answers wait in the same queue. */
  pinged(data: Buffer): void {
    if (this.spend() && this.hasRoomFor(data)) this.socket.pong(data);
  }

  ponged(): void {
    this.answered = true;
    this.shared.onAlive(this);
  }

  failed(error: Error): void {
    this.endReason ??= reasonOfError(error);
  }

  ended(code: number): void {
    this.shared.events.connectionClosed((this.endReason ??= reasonOfCode(code)), this);
    this.shared.onEnd(this);
  }

  private hasRoomFor(bytes: Buffer): boolean {
    if (this.socket.bufferedAmount + bytes.length <= this.shared.maxQueueBytes) return true;
    this.terminate('slow_reader');
    return false;
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
