import type { AccessClaims } from '@rostrum/security';
import { frameOf } from '../sockets/frame';
import { MessageRefusal } from '../sockets/message-refusal';
import type { LateComer } from './catch-up';
import type { Gap } from './channel-follower';
import { publicName } from './channel-names';
import type { LogPosition } from './event-log';
import { eventFrame, type LogEntry } from './live-event';
import { gapFrame, type Listener } from './listeners';
import type { HeldChannel, LiveChannels } from './live-channels';

/** As much of a connection as its subscriptions need. */
export interface Subscriber extends Listener {
  readonly user: Pick<AccessClaims, 'userId' | 'sessionId' | 'username'>;
  readonly isOpen: boolean;
  /** Resolves when the client has taken what it was sent. */
  whenTaken(): Promise<void>;
}

/** What the log keeps may be more than may wait for a reader: after so much it is looked whether it is taken. */
const bytesAtOnce = 32_768;

/** A connection's interest in a channel, from the message that asks for it to its end. */
export class Membership implements LateComer {
  /** Of this channel's `typing`, in ms. */
  typedAt = Number.NEGATIVE_INFINITY;
  private held: HeldChannel | undefined;
  private attached = false;
  private welcomed = false;
  private ended = false;
  private sentBytes = 0;

  constructor(
    readonly channel: string,
    readonly subscriber: Subscriber,
  ) {}

  get isHere(): boolean {
    return !this.ended && this.subscriber.isOpen;
  }

  /** Whether it is told what happens by the channel itself. */
  get isAttached(): boolean {
    return this.attached && !this.ended;
  }

  /** Whether what it has been told is not yet all up to its position. */
  get isWaiting(): boolean {
    return this.held?.listeners.isWaiting ?? false;
  }

  get position() {
    return this.held?.follower.position;
  }

  /** Resolves with the channel, open; rejects where it cannot be, or is not wanted any more. */
  async hold(channels: Pick<LiveChannels, 'hold' | 'release'>): Promise<HeldChannel> {
    const held = channels.hold(this.channel);
    try {
      await held.opened;
      this.assertHere();
    } catch (error) {
      channels.release(held);
      throw error;
    }
    this.held = held;
    return held;
  }

  /** Another message has taken its place, or taken it back. */
  assertHere(): void {
    if (!this.isHere) throw new MessageRefusal('NOT_SUBSCRIBED');
  }

  attach(): void {
    if (!this.isHere || !this.held) return;
    this.attached = true;
    this.held.listeners.add(this.subscriber);
  }

  end(channels: Pick<LiveChannels, 'release'>): void {
    if (this.ended) return;
    this.ended = true;
    if (!this.held) return;
    if (this.attached) this.held.listeners.delete(this.subscriber);
    channels.release(this.held);
  }

  get isWelcome(): boolean {
    return this.welcomed;
  }

  /** Before anything else of the channel: from where on it is told. */
  welcome({ epoch, offset, recovered }: LogPosition & { recovered: boolean }, replyTo?: string): void {
    this.welcomed = true;
    const channel = publicName(this.channel);
    this.subscriber.send(frameOf({ type: 'subscribed', channel, epoch, offset, recovered }, replyTo));
  }

  async hiddenAmong(entries: readonly LogEntry[]): Promise<ReadonlySet<LogEntry>> {
    return this.held ? this.held.listeners.hiddenFrom(this.subscriber.user.userId, entries) : new Set();
  }

  event({ text, offset }: LogEntry): void {
    this.send(text, offset);
  }

  /** Events that are in the log no more. */
  async sendAll(texts: readonly string[]): Promise<void> {
    for (const text of texts) {
      if (!this.isHere) return;
      this.send(text);
      await this.room();
    }
  }

  private send(text: string, offset?: number): void {
    const frame = eventFrame(publicName(this.channel), text, offset);
    this.sentBytes += frame.wire.length;
    this.subscriber.send(frame);
  }

  gap(gap: Gap): void {
    this.subscriber.send(gapFrame(publicName(this.channel), gap));
  }

  async room(): Promise<void> {
    if (this.sentBytes < bytesAtOnce) return;
    this.sentBytes = 0;
    await this.subscriber.whenTaken();
  }
}
