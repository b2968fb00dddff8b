import type { Cache } from '@rostrum/data-access';
import type { ChangeLog, LogPosition } from '../visibility/change-log';
import { keyOf } from './timelines';

/** The first page of a feed, ready to be sent. */
export interface FirstPage {
  /** JSON, as it is sent. */
  body: string;
  nextCursor: string | null;
}

/** A page, and of whom and what it is made. */
export interface ComposedPage extends FirstPage {
  /** Undefined: not all of it is known. */
  subjects: ReadonlySet<string> | undefined;
}

const positionLength = 26;
const idLength = 36;
const headLength = 3;
const mostSubjects = 255;

/**
 * The first pages of feeds, as bytes. One is served as long as it holds: it is removed when something comes into the
 * viewer's timeline and when whom they follow changes, and it is looked up in the log of changes whether its posts,
 * their authors, or how the viewer is to others, have changed since it was made.
 */
export class FeedPages {
  constructor(
    private readonly cache: Pick<Cache, 'getOrLoadBytes' | 'invalidate' | 'isOpen'>,
    private readonly log: Pick<ChangeLog, 'catchUp' | 'isUnchanged'>,
    private readonly onError: (error: unknown) => void,
  ) {}

  async read(
    viewerId: string,
    compose: () => Promise<ComposedPage>,
    signal?: () => AbortSignal,
  ): Promise<FirstPage> {
    const key = keyOf(viewerId);
    if (!this.cache.isOpen(key)) return compose();
    let fresh: FirstPage | undefined;
    let mayBeKept = true;
    const load = async () => {
      const position = await this.log.catchUp().catch(this.unknown);
      const page = await compose();
      fresh = page;
      mayBeKept = position !== undefined && page.subjects !== undefined && page.subjects.size <= mostSubjects;
      return pack(position ?? '', page);
    };
    const secondsLeft = () => (mayBeKept ? Infinity : 0);
    // In one turn, so that both are one journey.
    const [packed, position] = await Promise.all([
      this.cache.getOrLoadBytes(key, load, { secondsLeft, ...(signal && { signal }) }),
      this.log.catchUp().catch(this.unknown),
    ]);
    if (fresh) return fresh;
    const page = packed && position !== undefined ? this.holding(viewerId, packed) : undefined;
    if (page) return page;
    await this.cache.invalidate(key);
    return compose();
  }

  private readonly unknown = (error: unknown): undefined => this.onError(error) as undefined;

  private holding(viewerId: string, packed: Buffer): FirstPage | undefined {
    const { position, subjects, page } = unpack(packed);
    const unchanged = this.log.isUnchanged(position, subjects(viewerId));
    return unchanged ? page : undefined;
  }
}

/** The position; how many ids, and the ids; how long the cursor is, and the cursor; the body. */
function pack(position: LogPosition, { subjects, nextCursor, body }: ComposedPage): Buffer {
  const ids = [...(subjects ?? [])];
  const cursor = nextCursor ?? '';
  const head = Buffer.alloc(headLength);
  head.writeUInt8(Math.min(ids.length, mostSubjects), 0);
  head.writeUInt16BE(cursor.length, 1);
  return Buffer.concat([
    head,
    Buffer.from(position.padEnd(positionLength) + ids.slice(0, mostSubjects).join('') + cursor, 'latin1'),
    Buffer.from(body),
  ]);
}

function unpack(packed: Buffer): {
  position: LogPosition;
  subjects: (viewerId: string) => Generator<string>;
  page: FirstPage;
} {
  const count = packed.readUInt8(0);
  const idsAt = headLength + positionLength;
  const cursorAt = idsAt + count * idLength;
  const bodyAt = cursorAt + packed.readUInt16BE(1);
  const cursor = packed.toString('latin1', cursorAt, bodyAt);
  return {
    position: packed.toString('latin1', headLength, idsAt).trimEnd(),
    *subjects(viewerId) {
      yield viewerId;
      for (let at = idsAt; at < cursorAt; at += idLength) yield packed.toString('latin1', at, at + idLength);
    },
    page: { body: packed.toString('utf8', bodyAt), nextCursor: cursor === '' ? null : cursor },
  };
}
