import type { HowToShow, PostReader, ShownPost } from './post-reader';

/** A place in a list, and the post that stands there. */
export interface Entry {
  /** What the list is ordered by: the post's id, or that of what was done with it. */
  position: string;
  postId: string;
}

export interface PageRequest<E extends Entry> {
  /** The entries after a position (undefined: from the beginning), in order, so many at most. */
  source: (after: string | undefined, limit: number) => Promise<readonly E[]>;
  after: string | undefined;
  limit: number;
  /** Asked of the entries that are looked at, together with their posts: whether one has its place here. Undefined: all have. */
  holds?: (entries: readonly E[]) => Promise<(entry: E) => boolean> | undefined;
  /** A post that stands in several places of a page is shown in the first of them. */
  once?: boolean;
}

export interface PostPage<E extends Entry> {
  shown: { entry: E; post: ShownPost }[];
  /** Where the next page begins; undefined where there is none. */
  next: string | undefined;
}

/** Reads on for so often where posts are left out. What then is missing is on the next page. */
const mostRounds = 6;
const mostInRound = 200;

/** Pages of posts, whatever list they are of: ids from an index, then what the viewer sees of them. */
export class PostPages {
  constructor(private readonly reader: Pick<PostReader, 'show'>) {}

  /**
   * The page ends at the last entry that was looked at, shown or not: so no entry is skipped or comes twice, whatever
   * appears and vanishes meanwhile.
   */
  async page<E extends Entry>(
    viewerId: string,
    { source, after, limit, holds, once = false }: PageRequest<E>,
    how: HowToShow,
  ): Promise<PostPage<E>> {
    const shown: PostPage<E>['shown'] = [];
    const shownIds = new Set<string>();
    let position = after;
    for (let round = 0; round < mostRounds; round += 1) {
      const wanted = round === 0 ? limit : mostInRound;
      // One more than is looked at: whether the list goes on.
      const entries = await source(position, wanted + 1);
      const candidates = entries.slice(0, wanted);
      const ids = candidates.map(({ postId }) => postId);
      const looking = this.reader.show(viewerId, ids, how);
      const asking = holds?.(candidates);
      const [posts, hasItsPlace] = asking ? await Promise.all([looking, asking]) : [await looking, allHold];
      // They come in the order of the ids, those that are shown.
      let at = 0;
      for (const entry of candidates) {
        if (shown.length === limit) return { shown, next: position };
        position = entry.position;
        const post = posts[at];
        if (post?.id !== entry.postId) continue;
        at += 1;
        if (!hasItsPlace(entry) || (once && shownIds.has(post.id))) continue;
        shownIds.add(post.id);
        shown.push({ entry, post });
      }
      if (entries.length <= wanted) return { shown, next: undefined };
      if (shown.length === limit) break;
    }
    return { shown, next: position };
  }
}

const allHold = () => true;

/** A list whose entries are posts and nothing else. */
export function entriesOf(ids: readonly string[]): Entry[] {
  return ids.map((id) => ({ position: id, postId: id }));
}
