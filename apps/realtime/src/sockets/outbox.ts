import type { Socket } from 'node:net';
import { sizeOf, type Batch } from './batch';
import { descriptorOf, noDescriptor, writeTo, type DescriptorHolder } from './descriptor';
import type { Frame } from './frame';
import type { Outflow } from './outflow';

/** More than this is not gathered but written at once. */
const gatheredBytes = 65_536;
const nothing = Buffer.alloc(0);

/**
 * What waits for one client. What its socket does not take stays here and not in Node's queue, as part of batches that
 * are shared with other sockets.
 */
export class Outbox implements DescriptorHolder {
  // What is looked at for each frame comes first, so that it lies together.
  /** Whether the kernel may be handed frames: the connection is open, and nothing waits in its stream. */
  private isDirect = false;
  private pending: Batch | undefined;
  /** Of the outflow, in which it may not be written to again. */
  private round = 0;
  private descriptor: number;
  private isWaiting = false;
  private isStalled = false;
  private isEnded = false;
  /** How far in the stream of bytes the end of the queue was when it was last looked at, and when that was. */
  private mark = 0;
  private markedAt = 0;

  constructor(
    private readonly socket: Socket,
    private readonly outflow: Outflow,
  ) {
    this.descriptor = descriptorOf(socket, this);
    this.look();
  }

  /** Bytes that the client has not taken. */
  get size(): number {
    return this.socket.writableLength + (this.pending?.size ?? 0);
  }

  /** False when the frame would be too much for the bound: then nothing is done. */
  add(frame: Frame, maxBytes: number): boolean {
    if (!this.hasRoomFor(frame, maxBytes)) {
      // A burst that no tick has come between is no sign of a slow reader.
      this.flush();
      if (!this.hasRoomFor(frame, maxBytes)) return false;
    }
    this.outflow.count(frame);
    if (this.mayGoAtOnce && this.outflow.admits(this.round)) {
      this.round = this.outflow.round;
      this.write(frame.wire);
      return true;
    }
    this.pending = this.pending ? this.pending.with(frame) : this.outflow.begin(frame);
    if (this.pending.size >= gatheredBytes) {
      this.flush();
    } else if (!this.isWaiting && !this.isStalled) {
      this.isWaiting = true;
      this.outflow.add(this);
    }
    return true;
  }

  /** Writes what waits, unless the socket has enough already; then that is done when it has been drained. */
  flush(): void {
    this.isWaiting = false;
    if (!this.pending) return;
    this.round = this.outflow.round + 1;
    if (!this.isDirect && this.socket.writableNeedDrain) this.awaitDrain();
    else this.writeAll();
  }

  /** Writes what waits, so that what is written next comes after it. */
  writeAll(): void {
    const { pending } = this;
    this.pending = undefined;
    // After its close frame nothing may be sent, and nothing would be read.
    if (pending) this.write(this.outflow.take(pending));
  }

  /** At once, before what waits. */
  write(bytes: Buffer): void {
    if (this.isEnded) return;
    const taken = this.isDirect ? writeTo(this.descriptor, bytes) : 0;
    if (taken === bytes.length) return;
    // A piece of them would keep all of them for as long as it waits, and count as less.
    this.writeToStream(taken === 0 ? bytes : Buffer.from(bytes.subarray(taken)));
  }

  /** To be called when something else has been written to the socket. */
  look(): void {
    const { writable, writableLength } = this.socket;
    this.isDirect = this.descriptor !== noDescriptor && !this.isEnded && writable && writableLength === 0;
  }

  /** Its number may be another connection's a moment later. */
  descriptorClosed(): void {
    this.descriptor = noDescriptor;
    this.isDirect = false;
  }

  /** Nothing may be written any more. */
  end(): void {
    this.isEnded = true;
    this.isDirect = false;
  }

  /** Forgets what waits: nobody will read it. */
  discard(): void {
    this.pending = undefined;
  }

  /** Whether something has waited for longer than so many milliseconds. It must be asked now and then to know. */
  isOlderThan(maxAgeMs: number, now: number): boolean {
    // What is gathered for a socket that takes what it is given waits for nobody but the clock.
    if (this.takesDirectly || this.size === 0) {
      this.markedAt = 0;
      return false;
    }
    const { bytesWritten, writableLength } = this.socket;
    const pending = this.pending?.length ?? 0;
    if (this.markedAt === 0 || bytesWritten - writableLength >= this.mark) {
      this.mark = bytesWritten + pending;
      this.markedAt = now;
      return false;
    }
    return now - this.markedAt > maxAgeMs;
  }

  /** Resolves when the client has taken all there is, or nothing will be sent any more. */
  whenTaken(): Promise<void> {
    this.writeAll();
    if (!this.isOpen || this.socket.writableLength === 0) return Promise.resolve();
    return new Promise((resolve) => this.socket.write(nothing, () => resolve()));
  }

  private get takesDirectly(): boolean {
    if (!this.isDirect) this.look();
    return this.isDirect;
  }

  private get mayGoAtOnce(): boolean {
    return !this.pending && (this.isDirect || this.socket.writableLength === 0);
  }

  private hasRoomFor(frame: Frame, maxBytes: number): boolean {
    const written = this.takesDirectly ? 0 : this.socket.writableLength;
    return written + (this.pending?.size ?? 0) + sizeOf(frame) <= maxBytes;
  }

  private writeToStream(bytes: Buffer): void {
    if (this.socket.writable) this.socket.write(bytes);
    this.look();
  }

  private get isOpen(): boolean {
    return !this.isEnded && this.socket.writable;
  }

  private awaitDrain(): void {
    if (this.isStalled) return;
    this.isStalled = true;
    this.socket.once('drain', () => {
      this.isStalled = false;
      this.flush();
    });
  }
}
