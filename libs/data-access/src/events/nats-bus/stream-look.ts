import type { ConsumerInfo, StreamState } from '@nats-io/jetstream';
import type { NatsLink } from './nats-connection';

const messageIdHeader = 'Nats-Msg-Id';

/** What a stream of NATS and its consumers can be asked. */
export class StreamLook {
  constructor(private readonly link: NatsLink) {}

  async state(name: string): Promise<StreamState> {
    return (await (await this.manager()).streams.info(name)).state;
  }

  async countOf(name: string, subject: string): Promise<number> {
    const info = await (await this.manager()).streams.info(name, { subjects_filter: subject });
    return info.state.subjects?.[subject] ?? 0;
  }

  async consumers(name: string): Promise<ConsumerInfo[]> {
    const found: ConsumerInfo[] = [];
    for await (const info of (await this.manager()).consumers.list(name)) found.push(info);
    return found;
  }

  /** The sequence of the oldest message that each consumer has not acknowledged, for those that have any. */
  async oldestOfEach(name: string): Promise<number[]> {
    const manager = await this.manager();
    const waiting = (await this.consumers(name)).filter(
      ({ num_pending: unread, num_ack_pending: held }) => unread + held > 0,
    );
    const oldest = await Promise.all(
      waiting.map(async ({ ack_floor: floor, config }) => {
        const query = { seq: floor.stream_seq + 1, next_by_subj: config.filter_subject ?? '>' };
        return (await manager.direct.getMessage(name, query))?.seq;
      }),
    );
    return oldest.filter((sequence) => sequence !== undefined);
  }

  async timeOf(name: string, seq: number): Promise<Date | undefined> {
    return (await (await this.manager()).streams.getMessage(name, { seq }))?.time;
  }

  async messageId(name: string, seq: number): Promise<string | undefined> {
    const message = await (await this.manager()).streams.getMessage(name, { seq });
    return message?.header.get(messageIdHeader);
  }

  /** The sequence of the first message that came at this time or later. Times grow with sequences. */
  async firstSince(name: string, since: Date): Promise<number> {
    const { first_seq: first, last_seq: last } = await this.state(name);
    let low = Math.max(first, 1);
    let high = last + 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const time = await this.timeOf(name, middle);
      if (time && time >= since) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** The given message stays. */
  async removeBefore(name: string, seq: number): Promise<void> {
    const { first_seq: first } = await this.state(name);
    if (seq > first) await (await this.manager()).streams.purge(name, { seq });
  }

  private async manager() {
    return (await this.link.open()).manager;
  }
}
