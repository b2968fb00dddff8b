import { randomUUID } from 'node:crypto';
import { serverMessage, type ServerMessage } from '@rostrum/contracts';
import type { LogPosition } from '../../src/live/event-log';
import type { Subscriber } from '../../src/live/membership';
import type { Frame } from '../../src/sockets/frame';

/** What a client knows of a channel; `epoch` is empty until it has been subscribed once. */
export interface Known extends LogPosition {
  /** Where each event stood: `epoch offset` → id. */
  readonly events: Map<string, string>;
  gaps: number;
}

/** One connection of a client, from the first frame to the cut. */
export class ModelConnection implements Subscriber {
  isOpen = true;

  constructor(readonly client: ModelClient) {}

  get user() {
    return this.client.user;
  }

  send(frame: Frame): void {
    if (this.isOpen) this.client.receive(serverMessage.parse(JSON.parse(frame.text.toString())));
  }

  whenTaken(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }
}

/**
 * Believes nothing: each event must be the next one, or what lies between must have been told to be missing. What it
 * finds wrong is kept.
 */
export class ModelClient {
  readonly user: { userId: string; sessionId: string; username: string };
  readonly channels = new Map<string, Known>();
  readonly wanted = new Set<string>();
  /** Subscribed to on the connection of now. */
  readonly joined = new Set<string>();
  private readonly attempts = new Map<string, number>();
  readonly faults: string[] = [];
  connection: ModelConnection | undefined;

  constructor(name: string) {
    this.user = { userId: randomUUID(), sessionId: randomUUID(), username: name };
  }

  connect(): ModelConnection {
    this.connection = new ModelConnection(this);
    this.joined.clear();
    return this.connection;
  }

  cut(): void {
    if (this.connection) this.connection.isOpen = false;
    this.connection = undefined;
    this.joined.clear();
  }

  /** It asks for a channel: the number of the attempt. */
  ask(channel: string): number {
    const attempt = (this.attempts.get(channel) ?? 0) + 1;
    this.attempts.set(channel, attempt);
    return attempt;
  }

  /** It has been told that it is not subscribed now, whatever was before, unless it has asked again. */
  refuse(channel: string, attempt: number): void {
    if (this.attempts.get(channel) === attempt) this.joined.delete(channel);
  }

  positionOf(channel: string): LogPosition | undefined {
    const known = this.channels.get(channel);
    return known && { epoch: known.epoch, offset: known.offset };
  }

  receive(message: ServerMessage): void {
    switch (message.type) {
      case 'subscribed':
        this.begin(message);
        return;
      case 'event':
        this.take(message);
        return;
      case 'gap':
        this.skip(message);
        return;
      case 'error':
        this.joined.delete(message.channel ?? '');
        return;
      default:
        this.faults.push(`unexpected ${message.type}`);
    }
  }

  private begin({ channel, epoch, offset, recovered }: Extract<ServerMessage, { type: 'subscribed' }>) {
    this.joined.add(channel);
    const known = this.channels.get(channel);
    if (!known) {
      this.channels.set(channel, { epoch, offset, events: new Map(), gaps: 0 });
      return;
    }
    // Where it is not as it was, a gap has to follow before any event.
    if (recovered && (known.epoch !== epoch || known.offset !== offset)) {
      this.faults.push(
        `${channel}: recovered at ${offset} of ${epoch}, was at ${known.offset} of ${known.epoch}`,
      );
    }
  }

  private take({ channel, offset, id }: Extract<ServerMessage, { type: 'event' }>) {
    const known = this.knownOf(channel);
    if (offset !== known.offset + 1) {
      this.faults.push(`${channel}: ${offset} after ${known.offset} of ${known.epoch}`);
    }
    known.offset = offset ?? Number.NaN;
    known.events.set(`${known.epoch} ${known.offset}`, id);
  }

  private skip({ channel, epoch, from, to, reason }: Extract<ServerMessage, { type: 'gap' }>) {
    const known = this.knownOf(channel);
    const isNext = epoch === known.epoch && from === known.offset + 1 && to >= from;
    const isNew = reason === 'new_epoch' && from === 0 && to === 0;
    if (!isNext && !isNew) {
      this.faults.push(`${channel}: gap ${from}–${to} of ${epoch} at ${known.offset} of ${known.epoch}`);
    }
    known.gaps += 1;
    known.epoch = epoch;
    known.offset = to;
  }

  private knownOf(channel: string): Known {
    const known = this.channels.get(channel);
    if (!known || !this.joined.has(channel)) throw new Error(`${channel} is told without a subscription`);
    return known;
  }
}
