import type { Cache } from '@rostrum/data-access';
import type { FeedRepository } from './feed.repository';
import { MergedTimeline } from './merged-timeline';
import { packTimeline, postEntry, pulledAuthorEntry, Timeline } from './timeline';

/** So many posts a timeline begins with. More would cost the database more, and most people read no further. */
const loadedPosts = 100;
/** A timeline that grows beyond this begins anew: some four hundred posts have come since. */
const longestBytes = 9_000 + 4 * 2_000;
/** In a cluster, timelines of one group are in one slot, so that one command reaches several. */
const groups = 64;

type Signal = (() => AbortSignal) | undefined;

/** A post, and who has written it. */
export interface Written {
  postId: string;
  authorId: string;
}

/**
 * Home timelines in Redis. Each is a value of a cache, with all that a cache promises: it is loaded once however many
 * ask, not believed after an outage, and gone when whom somebody follows has changed. New posts are appended to it
 * where it is; where it is not, or is just being loaded, the next load finds them in PostgreSQL.
 */
export class Timelines {
  constructor(
    private readonly feed: Pick<FeedRepository, 'timeline' | 'writtenBy'>,
    private readonly home: Pick<Cache, 'getOrLoadBytes' | 'invalidate' | 'append' | 'isOpen'>,
    /** What pulled authors have written, by author. */
    private readonly written: Pick<Cache, 'getOrLoadBytes' | 'append'>,
  ) {}

  /** Undefined while Redis is not asked: whoever wants a page reads it from PostgreSQL. */
  async open(viewerId: string, signal?: Signal): Promise<MergedTimeline | undefined> {
    const key = keyOf(viewerId);
    if (!this.home.isOpen(key)) return undefined;
    const load = async (abandoned: AbortSignal) => {
      const row = await this.feed.timeline(viewerId, loadedPosts, abandoned);
      return packTimeline({ ...row, isWhole: isWhole(row.posts) });
    };
    const own = await this.read(this.home, { key, load, signal });
    const pulled = own.pulledAuthors();
    if (pulled.length === 0) return new MergedTimeline([own]);
    const theirs = await Promise.all(pulled.map((authorId) => this.writtenBy(authorId, signal)));
    return new MergedTimeline([own, ...theirs]);
  }

  /** To be called when a change of whom these people follow has been committed. Never rejects. */
  forget(userIds: readonly string[]): Promise<void> {
    return this.home.invalidate(...userIds.map(keyOf));
  }

  /** One's own post is in one's own feed before one is told that it has been published. Never rejects. */
  async wrote({ authorId, postId }: Written): Promise<void> {
    await this.bring({ authorId, postId }, [authorId]).catch(() => this.forget([authorId]));
  }

  /** Puts a post into the timelines of these people. Rejects when Redis does not answer; it may be done again. */
  bring({ postId, authorId }: Written, userIds: readonly string[]): Promise<void> {
    const bytes = postEntry(postId, authorId);
    return this.home.append(userIds.map(keyOf), { bytes, longest: longestBytes });
  }

  /** Tells these people's timelines that the author's posts are pulled from now on. */
  tellPulled(authorId: string, userIds: readonly string[]): Promise<void> {
    const bytes = pulledAuthorEntry(authorId);
    return this.home.append(userIds.map(keyOf), { bytes, longest: longestBytes });
  }

  /** Puts a post of a pulled author where all who follow them look for it. */
  keep({ postId, authorId }: Written): Promise<void> {
    const bytes = postEntry(postId, authorId);
    return this.written.append([authorId], { bytes, longest: longestBytes });
  }

  private async writtenBy(authorId: string, signal: Signal): Promise<Timeline> {
    const load = async (abandoned: AbortSignal) => {
      const posts = await this.feed.writtenBy(authorId, loadedPosts, abandoned);
      return packTimeline({ pulled: '', followed: '', posts, isWhole: isWhole(posts) });
    };
    return this.read(this.written, { key: authorId, load, signal });
  }

  private async read(
    cache: Pick<Cache, 'getOrLoadBytes'>,
    { key, load, signal }: { key: string; load: (signal: AbortSignal) => Promise<Buffer>; signal: Signal },
  ): Promise<Timeline> {
    const packed = await cache.getOrLoadBytes(key, load, signal && { signal });
    // What is loaded is never nothing.
    return new Timeline(packed as Buffer);
  }
}

const digitsOfId = 32;

function isWhole(posts: string): boolean {
  return posts.length < loadedPosts * digitsOfId;
}

function keyOf(userId: string): string {
  return `{${Number.parseInt(userId.slice(-2), 16) % groups}}${userId}`;
}
