import { appendTogether, type Appending, type Cache } from '@rostrum/data-access';
import type { ChangeLog, LogPosition } from '../visibility/change-log';
import { arrivalsOf, homeOf, pulledAuthors } from '../visibility/change-times';
import type { FeedRepository } from './feed.repository';
import { KnownTimelines } from './known-timelines';
import { MergedTimeline } from './merged-timeline';
import type { PulledAuthors } from './pulled-authors';
import { packTimeline, postEntry, repostEntry, Timeline } from './timeline';

/** So many posts and reposts a timeline begins with. More would cost the database more, and most people read no further. */
const loadedPosts = 100;
/** A timeline that grows beyond this begins anew: some four hundred posts have come since. */
const longestBytes = 9_000 + 4 * 2_000;
/** In a cluster, timelines of one group are in one slot, so that one command reaches several. */
const groups = 64;

/** Of whoever reads a feed. */
export interface Reading {
  signal: () => AbortSignal;
  /** Until where the log of changes has been read since they asked; undefined: nothing is known. */
  position: LogPosition | undefined;
}

/** What comes into timelines: a post of somebody's, or one that they have passed on. */
export interface Written {
  postId: string;
  authorId: string;
  /** Where it has been passed on: the author is who has done so. */
  repostId?: string | undefined;
}

export interface TimelinesDependencies {
  feed: Pick<FeedRepository, 'timeline' | 'writtenBy'>;
  home: Pick<Cache, 'getOrLoadBytes' | 'invalidate' | 'appending' | 'isOpen'>;
  /** What pulled authors have written, by author. */
  written: Pick<Cache, 'getOrLoadBytes' | 'append'>;
  pulled: Pick<PulledAuthors, 'all'>;
  changes: Pick<ChangeLog, 'add' | 'additionOf' | 'areUnchanged'>;
}

/**
 * Home timelines in Redis. Each is a value of a cache, with all that a cache promises: it is loaded once however many
 * ask, not believed after an outage, and gone when whom somebody follows has changed. New posts are appended to it
 * where it is; where it is not, or is just being loaded, the next load finds them in PostgreSQL.
 *
 * Processes keep what they have read of them. Whatever changes timelines tells the log of changes afterwards, in one
 * subject for a post however many follow its author: so a reader must know of all whom the viewer follows.
 */
export class Timelines {
  private readonly known: KnownTimelines;

  constructor(private readonly dependencies: TimelinesDependencies) {
    this.known = new KnownTimelines(dependencies.changes);
  }

  /** Undefined while Redis is not asked: whoever wants a page reads it from PostgreSQL. */
  async open(viewerId: string, reading: Reading): Promise<MergedTimeline | undefined> {
    const { feed, home } = this.dependencies;
    const key = keyOf(viewerId);
    if (!home.isOpen(key)) return undefined;
    const load = async (abandoned: () => AbortSignal) => {
      const row = await feed.timeline(viewerId, loadedPosts, abandoned());
      return packTimeline(row, loadedPosts);
    };
    const [own, pulledOnes] = await Promise.all([
      this.read(home, { key, load, subject: homeOf(viewerId) }, reading),
      this.dependencies.pulled.all(reading),
    ]);
    const pulled = own.pulledAuthors(pulledOnes);
    if (pulled.length === 0) return new MergedTimeline([own]);
    const theirs = await Promise.all(pulled.map((authorId) => this.writtenBy(authorId, reading)));
    return new MergedTimeline([own, ...theirs]);
  }

  /** To be called when a change of whom these people follow has been committed. Never rejects. */
  async forget(userIds: readonly string[]): Promise<void> {
    const { home, changes } = this.dependencies;
    await home.invalidate(...userIds.map(keyOf));
    await changes.add(userIds.map(homeOf));
  }

  /** What one has posted is in one's own feed before one is told that it stands. Never rejects. */
  async wrote(posts: readonly Written[]): Promise<void> {
    const authorIds = posts.map(({ authorId }) => authorId);
    const own = posts.map((written) => this.appending(entryOf(written), [written.authorId]));
    try {
      await appendTogether(own, this.dependencies.changes.additionOf(authorIds.map(homeOf)));
    } catch {
      await this.forget(authorIds);
    }
  }

  /**
   * Puts a post into the timelines of these people; `arrived` tells of it. Rejects when Redis does not answer; it may be
   * done again.
   */
  bring(written: Written, userIds: readonly string[]): Promise<void> {
    return appendTogether([this.appending(entryOf(written), userIds)]);
  }

  /** Puts a post of a pulled author where all who follow them look for it; `arrived` tells of it. */
  keep(arrival: Written): Promise<void> {
    const { written } = this.dependencies;
    return written.append([arrival.authorId], { bytes: entryOf(arrival), longest: longestBytes });
  }

  /**
   * What of these people has come to where it is looked for is to be seen now: to be called when it has. `someArePulled`:
   * since not long ago, so that it is not known everywhere. Never rejects.
   */
  async arrived(authorIds: readonly string[], someArePulled: boolean): Promise<void> {
    const subjects = new Set(authorIds.map(arrivalsOf));
    if (someArePulled) subjects.add(pulledAuthors);
    if (subjects.size > 0) await this.dependencies.changes.add([...subjects]);
  }

  private appending(bytes: Buffer, userIds: readonly string[]): Appending {
    return this.dependencies.home.appending(userIds.map(keyOf), { bytes, longest: longestBytes });
  }

  private writtenBy(authorId: string, reading: Reading): Promise<Timeline> {
    const { feed, written } = this.dependencies;
    const load = async (abandoned: () => AbortSignal) => {
      const loaded = await feed.writtenBy(authorId, loadedPosts, abandoned());
      return packTimeline({ pulled: '', followed: '', ...loaded }, loadedPosts);
    };
    return this.read(written, { key: authorId, load, subject: arrivalsOf(authorId) }, reading);
  }

  private async read(
    cache: Pick<Cache, 'getOrLoadBytes'>,
    {
      key,
      load,
      subject,
    }: { key: string; load: (abandoned: () => AbortSignal) => Promise<Buffer>; subject: string },
    { signal, position }: Reading,
  ): Promise<Timeline> {
    const current = position === undefined ? undefined : this.known.current(key, position);
    if (current) return current;
    // What is loaded is never nothing.
    const packed = (await cache.getOrLoadBytes(key, load, { signal })) as Buffer;
    // A slice of what came over the network would keep all of that in memory.
    const timeline = this.known.madeOf(key, packed) ?? new Timeline(Buffer.from(packed), subject);
    if (position !== undefined) this.known.keep(key, timeline, position);
    return timeline;
  }
}

function entryOf({ postId, authorId, repostId }: Written): Buffer {
  return repostId === undefined
    ? postEntry(postId, authorId)
    : repostEntry({ position: repostId, postId, reposterId: authorId });
}

/** Where something of somebody stands, in any of these caches. */
export function keyOf(userId: string): string {
  return `{${Number.parseInt(userId.slice(-2), 16) % groups}}${userId}`;
}
