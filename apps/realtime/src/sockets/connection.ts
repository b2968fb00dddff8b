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
import { ownText } from '../own-text';
import type { Frame } from './frame';
import { MessageBudget, type MessageRate } from './message-budget';
import { Outbox } from './outbox';
import type { Outflow } from './outflow';

/**
 * What `ws` makes for each client. It tells its connection itself what happens: a table of listeners for each socket
 * would be the larger part of what a connection takes.
 */
export class LiveSocket extends WebSocket {
  connection: Connection | undefined = undefined;

  override emit(name: string | symbol, first?: unknown, second?: unknown): boolean {
    const { connection } = this;
    if (!connection) return super.emit(name, first, second);
    // `ws` hands out one buffer per message unless it is told otherwise.
    if (name === 'message') connection.received(first as Buffer, second as boolean);
    else if (name === 'ping') connection.pinged(first as Buffer);
    else if (name === 'pong') connection.ponged();
    else if (name === 'error') connection.failed(first as Error);
    else if (name === 'close') connection.ended(first as number);
    else return super.emit(name, first, second);
    return true;
  }

  /** Also called by `ws` itself, when the client begins to close. After the close frame nothing may be sent. */
  override close(code?: number, data?: string | Buffer): void {
    this.connection?.closing();
    super.close(code, data);
  }
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

/** As much of a token as its socket needs. */
export type SocketUser = Pick<
  AccessClaims,
  'userId' | 'sessionId' | 'username' | 'keyId' | 'issuedAt' | 'expiresAt'
>;

/** Who has come in, from where, and the trace of the request they came with. */
export interface Visitor {
  user: SocketUser;
  /** The address that its limits are counted by. */
  address: string;
  traceparent: string;
}

/** A WebSocket and the connection below it. */
export interface OpenedSocket {
  webSocket: LiveSocket;
  socket: Socket;
}

const textFrame = { binary: false };
const pingFrame = Buffer.from([0x89, 0]);
let connectionsMade = 0;

let lastKeyId = '';

/** Nearly all tokens are signed by the same key, and each has said so in a text of its own. */
function socketUser({ userId, sessionId, username, keyId, issuedAt, expiresAt }: SocketUser): SocketUser {
  if (keyId !== lastKeyId) lastKeyId = keyId;
  return { userId, sessionId, username, keyId: lastKeyId, issuedAt, expiresAt };
}

/** One client: all that is known of it, what it is sent, and the verdict that ends it. */
export class Connection {
  // What is looked at for each frame comes first, so that it lies together in memory.
  private readonly outbox: Outbox;
  private endReason: EndReason | undefined;
  private readonly isCompressed: boolean;
  readonly id = ownText(randomUUID());
  /** Spreads what is done for all connections now and then evenly over time. */
  readonly number = connectionsMade++;
  readonly address: string;
  /** Of the upgrade request: the spans of messages are linked to it. */
  readonly traceparent: string;
  private claims: SocketUser;
  private readonly webSocket: LiveSocket;
  private readonly socket: Socket;
  private readonly openedAt = performance.now();
  private readonly budget: MessageBudget;
  private answered = true;

  constructor(
    opened: OpenedSocket,
    { user, address, traceparent }: Visitor,
    private readonly shared: ConnectionSurroundings,
  ) {
    this.claims = socketUser(user);
    this.address = address;
    this.traceparent = ownText(traceparent);
    this.webSocket = opened.webSocket;
    this.socket = opened.socket;
    this.outbox = new Outbox(opened.socket, shared.outflow);
    this.budget = new MessageBudget(shared.rate, this.openedAt);
    this.isCompressed = this.webSocket.extensions !== '';
    this.webSocket.connection = this;
  }

  get user(): SocketUser {
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
    if (this.isCompressed) this.sendCompressed(frame);
    else if (!this.outbox.add(frame, this.shared.maxQueueBytes)) this.close('slow_reader');
  }

  /** Resolves when the client has taken what it was sent: who has much to send does so bit by bit. */
  whenTaken(): Promise<void> {
    return this.outbox.whenTaken();
  }

  /** The same person has come with a newer token of the same session. */
  renew(user: SocketUser): void {
    this.claims = socketUser(user);
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

  /** Called once a second. `turn` counts the seconds, `now` is in seconds since 1970. */
  beat(turn: number, now: number): void {
    const { heartbeatSeconds } = this.shared;
    if (this.endReason !== undefined) {
      // It would not read its close frame either.
      if (this.endReason === 'slow_reader') this.webSocket.terminate();
    } else if (this.claims.expiresAt <= now) {
      this.close('token_expired');
    } else if (this.outbox.isOlderThan(this.shared.maxQueueAgeMs, performance.now())) {
      this.close('slow_reader');
    } else if (turn % heartbeatSeconds === this.number % heartbeatSeconds) {
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
    this.outbox.look();
  }

  ponged(): void {
    this.answered = true;
    this.shared.onAlive(this);
  }

  closing(): void {
    this.outbox.end();
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
    this.outbox.write(pingFrame);
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
