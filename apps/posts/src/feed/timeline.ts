/**
 * A timeline as it is cached: what was loaded, and what has been appended since.
 *
 * | bytes  | field                                                                                            |
 * | ------ | ------------------------------------------------------------------------------------------------ |
 * | 0      | 1 if what was loaded is all there is, 0 if there may be older posts in PostgreSQL                |
 * | 1–2    | how many authors are pulled                                                                      |
 * | 3–6    | how many are followed; 0: entries of everybody count                                             |
 * | 7–8    | how many posts were loaded                                                                       |
 * | 16 × n | ids of pulled authors                                                                            |
 * | 4 × n  | the ends of the ids of those who are followed, in order                                          |
 * | 16 × n | ids of posts, newest first                                                                       |
 * | 21 × n | entries that came later: their kind, the id of a post or an author, the end of the author's id   |
 *
 * An entry counts only while its author is among those who are followed: one that was on its way while the viewer
 * stopped following comes too late. Entries may come twice and in any order.
 */
const headLength = 9;
const idLength = 16;
const tailLength = 4;
const entryLength = 1 + idLength + tailLength;

const entryKinds = { post: 1, pulledAuthor: 2 } as const;

/** The bytes of an id as a string, which compare as the ids do. */
export type RawId = string;

export const lowestId: RawId = '\0'.repeat(idLength);

export interface LoadedTimeline {
  pulled: string;
  followed: string;
  posts: string;
  isWhole: boolean;
}

export function packTimeline({ pulled, followed, posts, isWhole }: LoadedTimeline): Buffer {
  const parts = [pulled, followed, posts].map((hex) => Buffer.from(hex, 'hex'));
  const head = Buffer.alloc(headLength);
  head[0] = isWhole ? 1 : 0;
  head.writeUInt16BE(pulled.length / 2 / idLength, 1);
  head.writeUInt32BE(followed.length / 2 / tailLength, 3);
  head.writeUInt16BE(posts.length / 2 / idLength, 7);
  return Buffer.concat([head, ...parts]);
}

/** A post that has come. */
export function postEntry(postId: string, authorId: string): Buffer {
  return packEntry(entryKinds.post, postId, authorId);
}

/** From now on this author's posts do not come: they are to be looked for. */
export function pulledAuthorEntry(authorId: string): Buffer {
  return packEntry(entryKinds.pulledAuthor, authorId, authorId);
}

export function toRawId(id: string): RawId {
  return Buffer.from(id.replaceAll('-', ''), 'hex').toString('latin1');
}

function packEntry(kind: number, id: string, authorId: string): Buffer {
  const author = Buffer.from(authorId.replaceAll('-', ''), 'hex');
  return Buffer.concat([
    Buffer.from([kind]),
    Buffer.from(id.replaceAll('-', ''), 'hex'),
    author.subarray(idLength - tailLength),
  ]);
}

export class Timeline {
  private readonly pulledCount: number;
  private readonly followedAt: number;
  private readonly followedCount: number;
  private readonly postsAt: number;
  private readonly entriesAt: number;

  constructor(private readonly packed: Buffer) {
    this.pulledCount = packed.readUInt16BE(1);
    this.followedCount = packed.readUInt32BE(3);
    this.followedAt = headLength + idLength * this.pulledCount;
    this.postsAt = this.followedAt + tailLength * this.followedCount;
    this.entriesAt = this.postsAt + idLength * packed.readUInt16BE(7);
  }

  /** Above this, the timeline has everything. */
  get floor(): RawId {
    const { packed, postsAt, entriesAt } = this;
    return packed[0] === 1 || entriesAt === postsAt ? lowestId : this.rawIdAt(entriesAt - idLength);
  }

  /** Whose posts have to be looked for. */
  pulledAuthors(): string[] {
    const authors: string[] = [];
    for (let at = headLength; at < this.followedAt; at += idLength) authors.push(this.idAt(at));
    for (let at = this.entriesAt; at < this.packed.length; at += entryLength) {
      if (this.packed[at] !== entryKinds.pulledAuthor || !this.isFollowed(at)) continue;
      const author = this.idAt(at + 1);
      if (!authors.includes(author)) authors.push(author);
    }
    return authors;
  }

  /** Where the posts stand that were loaded, newest first. */
  loaded(): number[] {
    const places: number[] = [];
    for (let at = this.postsAt; at < this.entriesAt; at += idLength) places.push(at);
    return places;
  }

  /** Where those stand that came later, newest first. */
  appended(): number[] {
    const places: number[] = [];
    let inOrder = true;
    // What came last is most often the newest.
    for (let at = this.packed.length - entryLength; at >= this.entriesAt; at -= entryLength) {
      if (this.packed[at] !== entryKinds.post) continue;
      const before = places.at(-1);
      if (before !== undefined && this.compare(before, at + 1) < 0) inOrder = false;
      places.push(at + 1);
    }
    return inOrder ? places : places.sort((one, other) => this.compare(other, one));
  }

  /** Of an entry that came later: whether its author is among those who are followed. */
  counts(place: number): boolean {
    return place < this.entriesAt || this.isFollowed(place - 1);
  }

  rawIdAt(place: number): RawId {
    return this.packed.toString('latin1', place, place + idLength);
  }

  idAt(place: number): string {
    const hex = this.packed.toString('hex', place, place + idLength);
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }

  private compare(one: number, other: number): number {
    const { packed } = this;
    return packed.compare(packed, other, other + idLength, one, one + idLength);
  }

  private isFollowed(entryAt: number): boolean {
    if (this.followedCount === 0) return true;
    const tail = this.packed.readUInt32BE(entryAt + 1 + idLength);
    let low = 0;
    let high = this.followedCount - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const found = this.packed.readUInt32BE(this.followedAt + tailLength * middle);
      if (found === tail) return true;
      if (found < tail) low = middle + 1;
      else high = middle - 1;
    }
    return false;
  }
}
