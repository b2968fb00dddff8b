import { newId } from '@rostrum/data-access';
import type { EventPublisher, Write } from '@rostrum/service-kit';
import type { Timelines } from '../feed/timelines';
import type { PostReader } from '../visibility/post-reader';
import { tellers, type Reaction } from './reaction';
import type { ReactionWrites } from './reaction-writes';

export interface ReactionOptions {
  /** The transaction of a request that may be repeated; without one, reactions of many people share one. */
  write: Write<void> | undefined;
  signal: () => AbortSignal;
}

export class ReactionsService {
  // eslint-disable-next-line max-params -- four parts, each of which it needs
  constructor(
    private readonly reader: Pick<PostReader, 'readOne'>,
    private readonly writes: Pick<ReactionWrites, 'write' | 'writeIn'>,
    private readonly publisher: Pick<EventPublisher, 'rowOf'>,
    private readonly timelines: Pick<Timelines, 'wrote'>,
  ) {}

  /** Of what the person may see. Doing it again changes nothing and tells nobody. */
  async react(reaction: Reaction, { write, signal }: ReactionOptions): Promise<void> {
    const { kind, isOn, person, postId } = reaction;
    const { facts } = await this.reader.readOne(person.id, postId, { signal });
    const tell = tellers[kind]?.[isOn ? 'on' : 'off'];
    const row = { id: newId(), person, postId };
    const event = tell?.(this.publisher, { ...row, authorId: facts.authorId, at: new Date() });
    if (write) await this.writes.writeIn(write, reaction, { ...row, event });
    else await this.writes.write(reaction, { ...row, event });
    // Where it was there before, it has another id, and this one stands for nothing.
    if (kind === 'repost' && isOn)
      await this.timelines.wrote([{ postId, authorId: person.id, repostId: row.id }]);
  }
}
