import type { Redis } from '@rostrum/data-access';
import { channels } from './channel-names';
import { EventLog, type LogSettings } from './event-log';
import { hintText, passingText, textOf, type LiveEvent } from './live-event';

/** Nobody at once would gain by more: Redis does one thing after the other. */
const appendsAtOnce = 500;

/**
 * Tells whoever listens, wherever they are connected, and keeps it for those who come back soon. Nobody listening is no
 * error. An event that is told twice, with the same id, is dropped by those who have it.
 */
export class LivePublisher {
  private readonly log: EventLog;

  constructor(redis: Redis, settings: LogSettings) {
    this.log = new EventLog(redis, settings);
  }

  async toUser(userId: string, event: LiveEvent): Promise<void> {
    await this.toChannel(channels.user(userId), event);
  }

  async toChannel(channel: string, event: LiveEvent): Promise<void> {
    await this.log.append(channel, textOf(event));
  }

  /** The same event on many channels. */
  async toChannels(some: readonly string[], event: LiveEvent): Promise<void> {
    const text = textOf(event);
    for (let start = 0; start < some.length; start += appendsAtOnce) {
      const few = some.slice(start, start + appendsAtOnce);
      await Promise.all(few.map((channel) => this.log.append(channel, text)));
    }
  }

  /** Something that is of no interest a moment later: it gets no offset and is not kept. */
  async passing(channel: string, event: LiveEvent): Promise<void> {
    await this.log.pass(channel, passingText(event));
  }

  /** That the processes whose clients listen should look at what the channel is about. */
  async hint(channel: string): Promise<void> {
    await this.log.pass(channel, hintText);
  }
}
