import { homeFeedRoute } from '@rostrum/contracts';
import { createCursorCodec } from '@rostrum/security';
import type { ChangeLog, LogPosition } from '../visibility/change-log';
import { placeOfSubject } from '../visibility/change-times';
import { joinPage, nextLink } from '../visibility/page-reply';
import type { People } from '../visibility/people';
import type { PostPages } from '../visibility/post-pages';
import type { ShownPost } from '../visibility/post-reader';
import type { FeedPage, FeedPages, MadePage } from './feed-pages';
import type { FeedRepository } from './feed.repository';
import { KnownPage } from './known-page';
import type { MergedTimeline } from './merged-timeline';
import type { Reposter, Reposters } from './reposters';
import type { HomeEntry } from './timeline';
import type { Reading, Timelines } from './timelines';

export interface FeedRequest {
  cursor: string | undefined;
  limit: number;
  /** Asked for only where there is something to wait for. */
  signal: () => AbortSignal;
}

/** The page that most people ask for, and the only one that is kept. */
const isFirst = ({ cursor, limit }: FeedRequest) => cursor === undefined && limit === 20;

export interface FeedDependencies {
  feed: Pick<FeedRepository, 'home'>;
  timelines: Pick<Timelines, 'open'>;
  pages: Pick<PostPages, 'page'>;
  firstPages: Pick<FeedPages, 'of' | 'holds' | 'keep'>;
  changes: Pick<ChangeLog, 'catchUp' | 'ask' | 'position'>;
  people: Pick<People, 'authorOf'>;
  reposters: Pick<Reposters, 'of'>;
  cursorSecret: string;
}

export class FeedService {
  constructor(private readonly dependencies: FeedDependencies) {}

  /** The same as `home` where a page is kept, and what has to hold before it is sent. */
  remembered(viewerId: string, request: FeedRequest): KnownPage | undefined {
    const { changes, firstPages } = this.dependencies;
    const kept = isFirst(request) ? firstPages.of(viewerId) : undefined;
    return kept && new KnownPage(changes, firstPages, kept);
  }

  /** What the viewer and those they follow have posted and passed on, newest first. */
  async home(viewerId: string, request: FeedRequest): Promise<FeedPage> {
    const { changes, firstPages } = this.dependencies;
    // One question to Redis, with all that are asked in the same turn: whatever is known here and holds by what it says
    // is as good as read now.
    const position = await changes.catchUp();
    if (isFirst(request) && position !== undefined) {
      const kept = firstPages.of(viewerId);
      if (firstPages.holds(kept, position)) return kept.page;
    }
    return this.make(viewerId, request, position);
  }

  /** Puts a page together. `position`: until where the log of changes has been read since it was asked for. */
  async make(viewerId: string, request: FeedRequest, position: LogPosition | undefined): Promise<FeedPage> {
    const source = new HomeSource(this.dependencies, viewerId, { signal: request.signal, position });
    const { page, shown } = await this.compose(viewerId, request, source);
    if (!isFirst(request) || position === undefined) return page;
    const madeOf = this.placesOf(viewerId, source, shown);
    // From before the page was put together: what has changed meanwhile ends it.
    if (madeOf) this.dependencies.firstPages.keep(viewerId, { page, madeOf }, position);
    return page;
  }

  private async compose(
    viewerId: string,
    { cursor, limit, signal }: FeedRequest,
    source: HomeSource,
  ): Promise<{ page: MadePage; shown: readonly ShownPost[] }> {
    const { pages, reposters, cursorSecret } = this.dependencies;
    // Named after the viewer: a cursor that has come into other hands opens nothing there.
    const cursors = createCursorCodec<string>(cursorSecret, `home-feed:${viewerId}`);
    const passedOnBy = new Map<HomeEntry, Reposter>();
    const holds = (entries: readonly HomeEntry[]) => {
      const reposts = entries.filter(({ reposterId }) => reposterId !== undefined);
      if (reposts.length === 0) return undefined;
      const finding = reposters.of(viewerId, reposts, { found: passedOnBy, signal });
      return finding.then(
        () => (entry: HomeEntry) => entry.reposterId === undefined || passedOnBy.has(entry),
      );
    };
    const after = cursor === undefined ? undefined : cursors.decode(cursor);
    const { shown, next } = await pages.page(
      viewerId,
      { source: source.read, after, limit, holds, once: true },
      { place: 'home', signal, isCaughtUp: source.reading.position !== undefined },
    );
    const nextCursor = next === undefined ? null : cursors.encode(next);
    const items = shown.map(({ entry, post }) => itemOf(post.body, passedOnBy.get(entry)));
    const raw = joinPage(items, nextCursor);
    // All but what people have written is ASCII.
    const bytes = shown.reduce((sum, { post }) => sum + post.bytes - post.body.length, raw.length);
    const headers = nextLink({ path: homeFeedRoute.path, limit, nextCursor });
    return { page: { status: 200, raw, bytes, headers }, shown: shown.map(({ post }) => post) };
  }

  /** Of all that was looked at, shown or not: what is left out today may be there tomorrow. */
  private placesOf(
    viewerId: string,
    { timeline, looked }: HomeSource,
    shown: readonly ShownPost[],
  ): readonly Uint32Array[] | undefined {
    if (!timeline) return undefined;
    const authors = new Map(shown.map(({ id, facts }) => [id, facts.authorId]));
    const subjects = new Set([viewerId]);
    for (const { postId, reposterId } of looked) {
      const author = authors.get(postId) ?? this.dependencies.people.authorOf(postId);
      if (author === undefined) return undefined;
      subjects.add(postId).add(author);
      if (reposterId !== undefined) subjects.add(reposterId);
    }
    return [Uint32Array.from(subjects, placeOfSubject), timeline.places];
  }
}

/** A post's bytes are the same wherever it stands; who has passed it on comes after them. */
function itemOf(body: string, repostedBy: Reposter | undefined): string {
  return repostedBy ? `${body.slice(0, -1)},"repostedBy":${JSON.stringify(repostedBy)}}` : body;
}

/** From the timeline as far as it goes, and on from PostgreSQL. */
class HomeSource {
  readonly looked: HomeEntry[] = [];
  timeline: MergedTimeline | undefined;
  private opened: Promise<MergedTimeline | undefined> | undefined;

  constructor(
    private readonly dependencies: Pick<FeedDependencies, 'feed' | 'timelines'>,
    private readonly viewerId: string,
    readonly reading: Reading,
  ) {}

  readonly read = async (before: string | undefined, most: number): Promise<HomeEntry[]> => {
    const entries = await this.entries(before, most);
    // The last of them only says that there are more.
    this.looked.push(...entries.slice(0, most - 1));
    return entries;
  };

  private async entries(before: string | undefined, most: number): Promise<HomeEntry[]> {
    const { feed, timelines } = this.dependencies;
    const timeline = await (this.opened ??= timelines.open(this.viewerId, this.reading));
    this.timeline = timeline;
    const entries = timeline?.before(before, most) ?? [];
    if (entries.length === most || timeline?.isWhole) return entries;
    const older = await feed.home(this.viewerId, {
      before: entries.at(-1)?.position ?? before,
      limit: most - entries.length,
      signal: this.reading.signal(),
    });
    return [...entries, ...older];
  }
}
