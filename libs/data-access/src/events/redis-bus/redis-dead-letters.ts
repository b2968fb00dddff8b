import type { Redis } from '../../redis/redis';
import { fieldsAsText, tryFromFields } from '../bus-event';
import type { DeadLetter, DeadLetters, DeathStory, Delivery } from '../event-bus';
import { replayScript } from './scripts';

type EntryReply = [id: string, fields: string[]];

/** What is written beside an event when it is given up. */
export interface BurialNote extends DeathStory {
  partition: number;
  position: string;
  member: string;
  buriedAt: string;
}

export function burialNote({ partition, position }: Delivery, member: string, story: DeathStory): string {
  const note: BurialNote = { ...story, partition, position, member, buriedAt: new Date().toISOString() };
  return JSON.stringify(note);
}

const entryId = /^\d+(-\d+)?$/;

/** A stream of its own, which nothing trims. */
export class RedisDeadLetters implements DeadLetters {
  constructor(
    private readonly redis: Redis,
    private readonly keys: { letters: string; replays: string },
  ) {}

  count(): Promise<number> {
    return this.redis.xlen(this.keys.letters);
  }

  async list({ after, limit = 100 }: { after?: string | undefined; limit?: number } = {}) {
    const start = after === undefined ? '-' : `(${after}`;
    const entries = await this.redis.xrange(this.keys.letters, start, '+', 'COUNT', limit);
    return entries.map((entry) => toLetter(entry));
  }

  async get(id: string): Promise<DeadLetter | undefined> {
    if (!entryId.test(id)) return undefined;
    const [entry] = await this.redis.xrange(this.keys.letters, id, id);
    return entry && toLetter(entry);
  }

  async replay(id: string): Promise<boolean> {
    if (!entryId.test(id)) return false;
    const { letters, replays } = this.keys;
    return (await this.redis.eval(replayScript, 2, letters, replays, id)) === 1;
  }

  async discard(id: string): Promise<boolean> {
    return entryId.test(id) && (await this.redis.xdel(this.keys.letters, id)) === 1;
  }
}

function toLetter([id, fields]: EntryReply): DeadLetter {
  const at = fields.lastIndexOf('story');
  const { reason, attempts, partition, position, member, buriedAt } = JSON.parse(
    fields[at + 1] ?? '{}',
  ) as BurialNote;
  const own = fields.slice(0, at);
  const event = tryFromFields(own);
  return {
    id,
    event,
    raw: event ? undefined : fieldsAsText(own),
    ...{ reason, attempts, partition, position, member, buriedAt },
  };
}
