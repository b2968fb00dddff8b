import { randomBytes } from 'node:crypto';
import { Glance, PartOfGlance, type Cache } from '@rostrum/data-access';
import { LRUCache } from 'lru-cache';
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

interface MadeOf {
  seal: Buffer;
  subjects: readonly string[];
  /** Until when it is known that none of them has changed. */
  position: LogPosition;
}

/** A page that this process keeps, with what it has to be compared with before it is served again. */
class KeptPage implements FirstPage {
  readonly body: string;
  readonly bytes: number;
  readonly nextCursor: string | null;

  constructor(
    { body, nextCursor }: FirstPage,
    readonly madeOf: MadeOf,
  ) {
    this.body = body;
    this.bytes = Buffer.byteLength(body);
    this.nextCursor = nextCursor;
  }
}

const mostSubjects = 255;
const mostBytes = 32 * 1024 * 1024;
const overheadBytes = 4_000;
const sealLength = 12;

/**
 * The first pages of feeds. Each process keeps those that it has put together, and Redis a seal for each viewer, drawn
 * by lot: it is removed when something comes into the viewer's timeline and when whom they follow changes. So a page
 * holds as long as the seal is still the one that was there before the page was put together, and, by the log of
 * changes, its posts, their authors, and how the viewer is to others, have not changed since.
 */
export class FeedPages {
  private readonly kept = new LRUCache<string, KeptPage>({
    maxSize: mostBytes,
    sizeCalculation: ({ body }) => overheadBytes + body.length,
  });

  constructor(
    private readonly cache: Pick<Cache, 'getOrLoadBytes' | 'glanceAt' | 'isOpen'>,
    private readonly log: Pick<ChangeLog, 'ask' | 'catchUp' | 'position' | 'isUnchanged'>,
    private readonly onError: (error: unknown) => void,
  ) {}

  async read(
    viewerId: string,
    compose: () => Promise<ComposedPage>,
    signal?: () => AbortSignal,
  ): Promise<FirstPage & { bytes?: number }> {
    const key = keyOf(viewerId);
    if (!this.cache.isOpen(key)) return compose();
    const kept = this.kept.get(viewerId);
    if (kept && (await this.holds(kept, key))) return kept;
    // From before the page is put together: what changes meanwhile ends it.
    const [seal, position] = await Promise.all([
      this.cache.getOrLoadBytes(key, newSeal, signal && { signal }),
      this.log.catchUp().catch(this.unknown),
    ]);
    const page = await compose();
    const { subjects } = page;
    if (seal === undefined || position === undefined || subjects === undefined) return page;
    if (subjects.size > mostSubjects) return page;
    const madeOf = { seal: Buffer.from(seal), subjects: [viewerId, ...subjects], position };
    const fresh = new KeptPage(page, madeOf);
    this.kept.set(viewerId, fresh);
    return fresh;
  }

  /** One question to Redis, with all that are asked in the same turn. */
  private async holds({ madeOf }: KeptPage, key: string): Promise<boolean> {
    const glance = new Glance();
    this.cache.glanceAt(key, glance);
    const changes = new PartOfGlance(glance);
    this.log.ask(changes);
    const [seal] = await glance.all();
    if (!changes.isCaughtUp || !Buffer.isBuffer(seal) || !seal.equals(madeOf.seal)) return false;
    if (!this.log.isUnchanged(madeOf.position, madeOf.subjects)) return false;
    madeOf.position = this.log.position ?? madeOf.position;
    return true;
  }

  private readonly unknown = (error: unknown): undefined => this.onError(error) as undefined;
}

const newSeal = () => Promise.resolve(randomBytes(sealLength));
