import { appendTogether, type Appending, type Cache } from '@rostrum/data-access';
import { LRUCache } from 'lru-cache';
import type { ChangeLog } from '../visibility/change-log';
import type { FeedRepository } from './feed.repository';
import { MergedTimeline } from './merged-timeline';
import { packTimeline, postEntry, pulledAuthorEntry, repostEntry, Timeline } from './timeline';

/** So many posts and reposts a timeline begins with. More would cost the database more, and most people read no further. */
const loadedPosts = 100;
/** A timeline that grows beyond this begins anew: some four hundred posts have come since. */
const longestBytes = 9_000 + 4 * 2_000;
/** Of some 20 kB each at most. */
const mostKnown = 2_000;
/** In a cluster, timelines of one group are in one slot, so that one command reaches several. */
const groups = 64;
const noBytes = Buffer.alloc(0);

type Signal = (() => AbortSignal) | undefined;

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
  /** What is made of timelines, by viewer. */
  pages: Pick<Cache, 'invalidate' | 'appending'>;
  changes: Pick<ChangeLog, 'add'>;
}

/**
 * Home timelines in Redis. Each is a value of a cache, with all that a cache promises: it is loaded once however many
 * ask, not believed after an outage, and gone when whom somebody follows has changed. New posts are appended to it
 * where it is; where it is not, or is just being loaded, the next load finds them in PostgreSQL.
 */
export class Timelines {
  /** As they were when they were read last: to compare the bytes takes less than to read ids from them again. */
  private readonly known = new LRUCache<string, Timeline>({ max: mostKnown });

  constructor(private readonly dependencies: TimelinesDependencies) {}

  /** Undefined while Redis is not asked: whoever wants a page reads it from PostgreSQL. */
  async open(viewerId: string, signal?: Signal): Promise<MergedTimeline | undefined> {
    const { feed, home } = this.dependencies;
    const key = keyOf(viewerId);
    if (!home.isOpen(key)) return undefined;
    const load = async (abandoned: AbortSignal) => {
      const row = await feed.timeline(viewerId, loadedPosts, abandoned);
      return packTimeline(row, loadedPosts);
    };
    const own = await this.read(home, { key, load, signal });
    const pulled = own.pulledAuthors();
    if (pulled.length === 0) return new MergedTimeline([own], pulled);
    const theirs = await Promise.all(pulled.map((authorId) => this.writtenBy(authorId, signal)));
    return new MergedTimeline([own, ...theirs], pulled);
  }

  /** To be called when a change of whom these people follow has been committed. Never rejects. */
  async forget(userIds: readonly string[]): Promise<void> {
    const { home, pages } = this.dependencies;
    const keys = userIds.map(keyOf);
    await home.invalidate(...keys);
    await pages.invalidate(...keys);
  }

  /** What one has posted is in one's own feed before one is told that it stands. Never rejects. */
  async wrote(posts: readonly Written[]): Promise<void> {
    const own = posts.map((written) => this.entries(entryOf(written), [written.authorId]));
    await this.append(own).catch(() => this.forget(posts.map(({ authorId }) => authorId)));
  }

  /** Puts a post into the timelines of these people. Rejects when Redis does not answer; it may be done again. */
  bring(written: Written, userIds: readonly string[]): Promise<void> {
    return this.append([this.entries(entryOf(written), userIds)]);
  }

  /** Tells these people's timelines that the author's posts are pulled from now on. */
  tellPulled(authorId: string, userIds: readonly string[]): Promise<void> {
    return this.append([this.entries(pulledAuthorEntry(authorId), userIds)]);
  }

  /** Puts a post of a pulled author where all who follow them look for it. */
  async keep(arrival: Written): Promise<void> {
    const { written, changes } = this.dependencies;
    await written.append([arrival.authorId], { bytes: entryOf(arrival), longest: longestBytes });
    // Nobody knows who has made a page of what they had written until now.
    await changes.add([arrival.authorId]);
  }

  private entries(bytes: Buffer, userIds: readonly string[]): { appending: Appending; keys: string[] } {
    const keys = userIds.map(keyOf);
    return { appending: this.dependencies.home.appending(keys, { bytes, longest: longestBytes }), keys };
  }

  /** The timelines first: a page that is made of one as it was is still to be removed. */
  private append(entries: readonly { appending: Appending; keys: string[] }[]): Promise<void> {
    const keys = entries.flatMap((each) => each.keys);
    // Any page becomes too long, and so is given up.
    const pages = this.dependencies.pages.appending(keys, { bytes: noBytes, longest: 0 });
    return appendTogether([...entries.map(({ appending }) => appending), pages]);
  }

  private async writtenBy(authorId: string, signal: Signal): Promise<Timeline> {
    const { feed, written } = this.dependencies;
    const load = async (abandoned: AbortSignal) => {
      const loaded = await feed.writtenBy(authorId, loadedPosts, abandoned);
      return packTimeline({ pulled: '', followed: '', ...loaded }, loadedPosts);
    };
    return this.read(written, { key: authorId, load, signal });
  }

  private async read(
    cache: Pick<Cache, 'getOrLoadBytes'>,
    { key, load, signal }: { key: string; load: (signal: AbortSignal) => Promise<Buffer>; signal: Signal },
  ): Promise<Timeline> {
    // What is loaded is never nothing.
    const packed = (await cache.getOrLoadBytes(key, load, signal && { signal })) as Buffer;
    const known = this.known.get(key);
    if (known?.isOf(packed)) return known;
    // A slice of what came over the network would keep all of that in memory.
    const timeline = new Timeline(Buffer.from(packed));
    this.known.set(key, timeline);
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
