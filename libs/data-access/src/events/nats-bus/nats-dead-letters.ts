import type { StoredMsg } from '@nats-io/jetstream';
import { tryFromJson } from '../bus-event';
import type { DeadLetter, DeadLetters, DeathStory } from '../event-bus';
import { natsNames } from './names';
import { isApiError, type NatsLink } from './nats-connection';
import type { NatsDelivery } from './nats-partition';

const storyHeader = 'Rostrum-Story';
const noMessageFound = 10_037;
const sequence = /^[1-9]\d{0,15}$/;

type Story = Omit<DeadLetter, 'id' | 'event' | 'raw'>;

/** A stream of its own, which nothing trims. */
export class NatsDeadLetters implements DeadLetters {
  private readonly stream: string;
  private readonly subject: string;

  constructor(
    private readonly link: NatsLink,
    private readonly about: { stream: string; group: string },
    private readonly ensureStream: () => Promise<unknown>,
  ) {
    this.stream = natsNames.deadStream(about.stream);
    this.subject = natsNames.deadLetters(about.stream, about.group);
  }

  /** Added a second time, by somebody who does not know whether the first went well, it is there once. */
  async add(
    { partition, position, data }: NatsDelivery,
    { reason, attempts, member }: DeathStory & { member: string },
  ): Promise<void> {
    await this.ensureStream();
    const { client } = await this.link.open();
    const { headers } = await import('@nats-io/transport-node');
    const story: Story = {
      reason,
      attempts,
      partition,
      position,
      member,
      buriedAt: new Date().toISOString(),
    };
    const head = headers();
    head.set(storyHeader, JSON.stringify(story));
    const msgID = `${this.subject} ${partition}/${position}`;
    await client.publish(this.subject, data, { msgID, headers: head });
  }

  async count(): Promise<number> {
    await this.ensureStream();
    const { manager } = await this.link.open();
    const { state } = await manager.streams.info(this.stream, { subjects_filter: this.subject });
    return state.subjects?.[this.subject] ?? 0;
  }

  async list({ after = '0', limit = 100 }: { after?: string | undefined; limit?: number } = {}) {
    await this.ensureStream();
    const { manager } = await this.link.open();
    const letters: DeadLetter[] = [];
    for (let next = Number(after) + 1; letters.length < limit;) {
      const query = { seq: next, next_by_subj: this.subject };
      const message = await manager.direct.getMessage(this.stream, query);
      if (!message) break;
      letters.push(toLetter(message));
      next = message.seq + 1;
    }
    return letters;
  }

  async get(id: string): Promise<DeadLetter | undefined> {
    const message = await this.find(id);
    return message && toLetter(message);
  }

  async replay(id: string): Promise<boolean> {
    const message = await this.find(id);
    if (!message) return false;
    const { client } = await this.link.open();
    const { stream, group } = this.about;
    // Done twice, because the letter could not be removed the first time, it is given to the group once.
    const msgID = `replay ${this.subject} ${id}`;
    await client.publish(natsNames.replays(stream, group), message.data, { msgID });
    return this.remove(message.seq);
  }

  async discard(id: string): Promise<boolean> {
    const message = await this.find(id);
    return message ? this.remove(message.seq) : false;
  }

  private async find(id: string): Promise<StoredMsg | undefined> {
    if (!sequence.test(id)) return undefined;
    await this.ensureStream();
    const { manager } = await this.link.open();
    const message = await manager.streams.getMessage(this.stream, { seq: Number(id) });
    return message?.subject === this.subject ? message : undefined;
  }

  private async remove(seq: number): Promise<boolean> {
    const { manager } = await this.link.open();
    try {
      return await manager.streams.deleteMessage(this.stream, seq);
    } catch (error) {
      if (isApiError(error, noMessageFound)) return false;
      throw error;
    }
  }
}

function toLetter(message: StoredMsg): DeadLetter {
  const text = message.string();
  const event = tryFromJson(text);
  const story = JSON.parse(message.header.get(storyHeader)) as Story;
  return { id: String(message.seq), event, raw: event ? undefined : text, ...story };
}
