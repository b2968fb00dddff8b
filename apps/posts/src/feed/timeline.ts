import { placeOfArrivals, placeOfSubject } from '../visibility/change-times';
import type { AuthorsByTail } from './pulled-authors';

/**
 * A timeline as it is cached: what was loaded, and what has been appended since.
 *
 * | bytes  | field                                                                                          |
 * | ------ | ---------------------------------------------------------------------------------------------- |
 * | 0–1    | how many authors are pulled                                                                    |
 * | 2–5    | how many are followed; 0: entries of everybody count                                           |
 * | 6–7    | how many posts were loaded                                                                     |
 * | 8–23   | an id down to which there is everything; zeros: there is nothing older in PostgreSQL           |
 * | 16 × n | ids of pulled authors                                                                          |
 * | 4 × n  | the ends of the ids of those who are followed, in order                                        |
 * | 16 × n | ids of posts, newest first                                                                     |
 * | the rest | entries: reposts that were loaded, and what came later                                       |
 *
 * | entry                  | after the byte that says its kind                        |
 * | ---------------------- | -------------------------------------------------------- |
 * | a post                 | its id, the end of the author's id                       |
 * | a repost               | its id, that of the post, that of who has passed it on   |
 *
 * An entry counts only while whose it is is among those who are followed: one that was on its way while the viewer
 * stopped following comes too late. Entries may come twice and in any order.
 */
const floorAt = 8;
const idLength = 16;
const headLength = floorAt + idLength;
const tailLength = 4;
const shortEntry = 1 + idLength + tailLength;
const repostEntryLength = 1 + 3 * idLength;
const digits = 2 * idLength;

const entryKinds = { post: 1, repost: 3 } as const;

/** The bytes of an id as a string, which compare as the ids do. */
export type RawId = string;

export const lowestId: RawId = '\0'.repeat(idLength);

/** What stands at a place of a timeline. */
export interface HomeEntry {
  /** By which it has its place: the id of the post, or that of the repost. */
  position: string;
  postId: string;
  /** Who has passed the post on. */
  reposterId: string | undefined;
}

/** Ids in hexadecimal digits, one after the other. */
export interface LoadedEntries {
  /** Newest first. */
  posts: string;
  /** Of each repost its id, that of the post and that of who has passed it on; newest last. */
  reposts: string;
}

export interface LoadedTimeline extends LoadedEntries {
  pulled: string;
  followed: string;
}

/** `most`: where so many entries were loaded, there may be older ones. */
export function packTimeline({ pulled, followed, posts, reposts }: LoadedTimeline, most: number): Buffer {
  const head = Buffer.alloc(headLength);
  head.writeUInt16BE(pulled.length / digits, 0);
  head.writeUInt32BE(followed.length / (2 * tailLength), 2);
  head.writeUInt16BE(posts.length / digits, 6);
  const repostCount = reposts.length / (3 * digits);
  if (posts.length / digits + repostCount >= most) {
    const oldest = [posts.slice(-digits), reposts.slice(0, digits)].filter((id) => id !== '').sort();
    head.write(oldest[0] ?? '', floorAt, 'hex');
  }
  const entries = Array.from({ length: repostCount }, (_, index) => {
    const ids = reposts.slice(index * 3 * digits, (index + 1) * 3 * digits);
    return Buffer.concat([Buffer.from([entryKinds.repost]), Buffer.from(ids, 'hex')]);
  });
  return Buffer.concat([
    head,
    ...[pulled, followed, posts].map((hex) => Buffer.from(hex, 'hex')),
    ...entries,
  ]);
}

/** A post that has come. */
export function postEntry(postId: string, authorId: string): Buffer {
  return entryOf(entryKinds.post, postId + authorId.slice(-2 * tailLength));
}

/** A post that somebody has passed on. */
export function repostEntry({ position, postId, reposterId }: Record<keyof HomeEntry, string>): Buffer {
  return entryOf(entryKinds.repost, position + postId + reposterId);
}

/** Read as digits in one go: each buffer costs more than what is written into it. */
function entryOf(kind: number, ids: string): Buffer {
  return bytesOf(`0${kind}${ids}`);
}

export function toRawId(id: string): RawId {
  return bytesOf(id).toString('latin1');
}

function bytesOf(id: string): Buffer {
  return Buffer.from(id.replaceAll('-', ''), 'hex');
}

export class Timeline {
  /** In the table of changes: what would change this timeline. */
  readonly places: Uint32Array;
  private readonly pulledCount: number;
  private readonly followedAt: number;
  private readonly followedCount: number;
  private readonly postsAt: number;
  private readonly entriesAt: number;
  /** By their places. A timeline that is kept is read again and again. */
  private readonly rawIds = new Map<number, RawId>();
  private readonly entries = new Map<number, HomeEntry>();
  private pulled: { among: AuthorsByTail; authors: readonly string[] } | undefined;
  private loadedPlaces: readonly number[] | undefined;
  private appendedPlaces: readonly number[] | undefined;

  constructor(
    private readonly packed: Buffer,
    subject: string,
  ) {
    this.pulledCount = packed.readUInt16BE(0);
    this.followedCount = packed.readUInt32BE(2);
    this.followedAt = headLength + idLength * this.pulledCount;
    this.postsAt = this.followedAt + tailLength * this.followedCount;
    this.entriesAt = this.postsAt + idLength * packed.readUInt16BE(6);
    this.places = new Uint32Array(1 + this.followedCount);
    this.places[0] = placeOfSubject(subject);
    for (let n = 0; n < this.followedCount; n += 1)
      this.places[1 + n] = placeOfArrivals(packed.readUInt32BE(this.followedAt + tailLength * n));
  }

  get bytes(): number {
    return this.packed.length;
  }

  /** Whether it is made of these bytes. */
  isOf(packed: Buffer): boolean {
    return this.packed.equals(packed);
  }

  /** Above this, the timeline has everything. */
  get floor(): RawId {
    return this.rawIdAt(floorAt);
  }

  /** Whose posts have to be looked for: whose were not loaded, and who of all that are pulled is followed. */
  pulledAuthors(pulled: AuthorsByTail): readonly string[] {
    if (this.pulled?.among === pulled) return this.pulled.authors;
    const authors = new Set<string>();
    for (let at = headLength; at < this.followedAt; at += idLength) authors.add(this.idAt(at));
    for (let at = this.followedAt; pulled.size > 0 && at < this.postsAt; at += tailLength)
      for (const author of pulled.get(this.packed.readUInt32BE(at)) ?? []) authors.add(author);
    this.pulled = { among: pulled, authors: [...authors] };
    return this.pulled.authors;
  }

  /** Where the posts stand that were loaded, newest first. */
  loaded(): readonly number[] {
    return (this.loadedPlaces ??= this.findLoaded());
  }

  /** Where those stand that came later, and reposts, newest first. */
  appended(): readonly number[] {
    return (this.appendedPlaces ??= this.findAppended());
  }

  /** Of an entry that came later: whether whose it is is among those who are followed. */
  counts(place: number): boolean {
    return place < this.entriesAt || this.isFollowed(place - 1);
  }

  rawIdAt(place: number): RawId {
    let rawId = this.rawIds.get(place);
    if (rawId === undefined) {
      rawId = this.packed.toString('latin1', place, place + idLength);
      this.rawIds.set(place, rawId);
    }
    return rawId;
  }

  entryAt(place: number): HomeEntry {
    let entry = this.entries.get(place);
    if (entry === undefined) {
      entry = this.readEntry(place);
      this.entries.set(place, entry);
    }
    return entry;
  }

  private readEntry(place: number): HomeEntry {
    const position = this.idAt(place);
    const isRepost = place > this.entriesAt && this.packed[place - 1] === entryKinds.repost;
    return isRepost
      ? { position, postId: this.idAt(place + idLength), reposterId: this.idAt(place + 2 * idLength) }
      : { position, postId: position, reposterId: undefined };
  }

  private findLoaded(): number[] {
    const places: number[] = [];
    for (let at = this.postsAt; at < this.entriesAt; at += idLength) places.push(at);
    return places;
  }

  private findAppended(): number[] {
    const places: number[] = [];
    let inOrder = true;
    // What came last is most often the newest.
    for (let at = this.entriesAt; at < this.packed.length; at += this.lengthOf(at)) {
      const before = places.at(-1);
      if (before !== undefined && this.compare(before, at + 1) > 0) inOrder = false;
      places.push(at + 1);
    }
    return inOrder ? places.reverse() : places.sort((one, other) => this.compare(other, one));
  }

  private idAt(place: number): string {
    const hex = this.packed.toString('hex', place, place + idLength);
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }

  private compare(one: number, other: number): number {
    const { packed } = this;
    return packed.compare(packed, other, other + idLength, one, one + idLength);
  }

  private lengthOf(entryAt: number): number {
    return this.packed[entryAt] === entryKinds.repost ? repostEntryLength : shortEntry;
  }

  private isFollowed(entryAt: number): boolean {
    if (this.followedCount === 0) return true;
    // Each kind ends with it.
    const tail = this.packed.readUInt32BE(entryAt + this.lengthOf(entryAt) - tailLength);
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
