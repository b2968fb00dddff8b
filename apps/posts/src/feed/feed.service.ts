import { createCursorCodec } from '@rostrum/security';
import { joinPage } from '../visibility/page-reply';
import type { People } from '../visibility/people';
import { entriesOf, type Entry, type PostPages } from '../visibility/post-pages';
import type { ComposedPage, FeedPages, FirstPage } from './feed-pages';
import type { FeedRepository } from './feed.repository';
import type { MergedTimeline } from './merged-timeline';
import type { Timelines } from './timelines';

export interface FeedRequest {
  cursor: string | undefined;
  limit: number;
  /** Asked for only where there is something to wait for. */
  signal: () => AbortSignal;
}

/** The page that most people ask for, and the only one that is kept. */
const keptLimit = 20;

export interface FeedDependencies {
  feed: Pick<FeedRepository, 'home'>;
  timelines: Pick<Timelines, 'open'>;
  pages: Pick<PostPages, 'page'>;
  firstPages: Pick<FeedPages, 'read'>;
  people: Pick<People, 'authorOf'>;
  cursorSecret: string;
}

export class FeedService {
  constructor(private readonly dependencies: FeedDependencies) {}

  /** What the viewer and those they follow have posted, newest first. */
  home(viewerId: string, request: FeedRequest): Promise<FirstPage> {
    const { cursor, limit, signal } = request;
    const compose = () => this.compose(viewerId, request);
    if (cursor !== undefined || limit !== keptLimit) return compose();
    return this.dependencies.firstPages.read(viewerId, compose, signal);
  }

  private async compose(viewerId: string, { cursor, limit, signal }: FeedRequest): Promise<ComposedPage> {
    const { pages, cursorSecret } = this.dependencies;
    // Named after the viewer: a cursor that has come into other hands opens nothing there.
    const cursors = createCursorCodec<string>(cursorSecret, `home-feed:${viewerId}`);
    const source = new HomeSource(this.dependencies, viewerId, signal);
    const { shown, next } = await pages.page(
      viewerId,
      { source: source.read, after: cursor === undefined ? undefined : cursors.decode(cursor), limit },
      { place: 'home', signal },
    );
    const nextCursor = next === undefined ? null : cursors.encode(next);
    const items = shown.map(({ post }) => post.body);
    return { body: joinPage(items, nextCursor), nextCursor, subjects: this.subjectsOf(source) };
  }

  /** All that was looked at, shown or not: what is left out today may be there tomorrow. */
  private subjectsOf({ looked, pulledAuthors }: HomeSource): ReadonlySet<string> | undefined {
    const subjects = new Set<string>(pulledAuthors);
    for (const id of looked) {
      const author = this.dependencies.people.authorOf(id);
      if (author === undefined) return undefined;
      subjects.add(id).add(author);
    }
    return subjects;
  }
}

/** From the timeline as far as it goes, and on from PostgreSQL. */
class HomeSource {
  readonly looked: string[] = [];
  pulledAuthors: readonly string[] = [];
  private opened: Promise<MergedTimeline | undefined> | undefined;

  constructor(
    private readonly dependencies: Pick<FeedDependencies, 'feed' | 'timelines'>,
    private readonly viewerId: string,
    private readonly signal: () => AbortSignal,
  ) {}

  readonly read = async (before: string | undefined, most: number): Promise<Entry[]> => {
    const ids = await this.ids(before, most);
    // The last of them only says that there are more.
    this.looked.push(...ids.slice(0, most - 1));
    return entriesOf(ids);
  };

  private async ids(before: string | undefined, most: number): Promise<string[]> {
    const { feed, timelines } = this.dependencies;
    const timeline = await (this.opened ??= timelines.open(this.viewerId, this.signal));
    this.pulledAuthors = timeline?.pulledAuthors ?? [];
    const ids = timeline?.before(before, most) ?? [];
    if (ids.length === most || timeline?.isWhole) return ids;
    const older = await feed.home(this.viewerId, {
      before: ids.at(-1) ?? before,
      limit: most - ids.length,
      signal: this.signal(),
    });
    return [...ids, ...older];
  }
}
