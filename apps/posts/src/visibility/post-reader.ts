import type { Cache } from '@rostrum/data-access';
import type { Condition } from '@rostrum/service-kit';
import { unpackPost, type PostDocument } from '../posts/post-document';
import { packedOf, type PostDocuments } from '../posts/post-documents.repository';
import { postsErrors } from '../posts/posts.errors';
import { asksForFollow, decide, type PersonState, type Place, type Verdict } from './decide';
import type { KnownPosts } from './known-posts';
import { personState, type People } from './people';
import { KnownSight, Sights, type Memory, type SightedPost, type Sources } from './sights';
import { relationsIn, type Relations, type ViewerRelations } from './viewer-relations';

export interface ShownPost extends PostDocument {
  id: string;
  /** It has been deleted: the body says that, and nothing else. Only in threads, and to moderators. */
  isTombstone: boolean;
}

export interface HowToShow {
  /** Where it is shown; `direct` unless given. */
  place?: Place;
  /** Ends the wait. Asked for only where there is something to wait for. */
  signal?: () => AbortSignal;
  /** Whether the log of changes has been read on since the request came: what this process knows may be shown. */
  isCaughtUp?: boolean;
}

interface FoundPost {
  id: string;
  document: PostDocument;
  author: PersonState;
}

interface Viewer {
  id: string;
  relations: Relations;
}

/** One's own posts are there whatever one's account is. */
const ownState = personState(false, false);

const withTombstones: ReadonlySet<Place> = new Set(['thread', 'moderation']);

/** The only way from ids of posts to what a viewer sees of them. */
export class PostReader {
  private readonly memory: Memory;

  // eslint-disable-next-line max-params -- five parts, each of which it needs
  constructor(
    private readonly documents: Pick<PostDocuments, 'find'>,
    private readonly cache: Pick<Cache, 'getOrLoadBytes' | 'glanceAt' | 'servedByOthers'>,
    private readonly people: Pick<People, 'stateOf' | 'read' | 'glanceAt' | 'authorOf' | 'rememberAuthor'>,
    private readonly relations: Pick<ViewerRelations, 'read' | 'glanceAt' | 'with' | 'follows'>,
    private readonly known: KnownPosts,
  ) {
    this.memory = { known, cache };
  }

  /** The same as `readOne` where all is known that it takes: the post, and what has to hold before it is sent. */
  remembered(viewerId: string, id: string): { document: PostDocument; condition: Condition } | undefined {
    const condition = KnownSight.of(this.memory, viewerId, id);
    if (!condition) return undefined;
    const [viewer, found] = seen(viewerId, id, condition);
    if (judgeAtOnce(viewer, found, 'direct') !== 'shown') return undefined;
    return { document: found.document, condition };
  }

  /** One post by itself, ready to be sent; or the error that says that there is none, or none any more. */
  async readOne(
    viewerId: string,
    id: string,
    { place = 'direct', signal }: HowToShow = {},
  ): Promise<PostDocument> {
    const [viewer, [found]] = await this.look(viewerId, [id], { signal });
    if (!found) throw postsErrors.notFound();
    return this.verdictOn(viewer, found, { place, signal });
  }

  private verdictOn(
    viewer: Viewer,
    found: FoundPost,
    how: { place: Place; signal: HowToShow['signal'] },
  ): PostDocument | Promise<PostDocument> {
    const judged = this.judge(viewer, found, how);
    return typeof judged === 'string'
      ? shownOnly(judged, found.document)
      : judged.then((verdict) => shownOnly(verdict, found.document));
  }

  /** Of these posts those that the viewer sees in this place, in the order of the ids; each once for each time it is named. */
  async show(
    viewerId: string,
    ids: readonly string[],
    { place = 'direct', signal, isCaughtUp = false }: HowToShow = {},
  ): Promise<ShownPost[]> {
    if (ids.length === 0) return [];
    const [viewer, found] = await this.look(viewerId, ids, { signal, isCaughtUp });
    const verdicts = await this.judgeAll(viewer, found, { place, signal });
    const shown: ShownPost[] = [];
    for (const [index, each] of found.entries()) {
      const isTombstone = verdicts[index] === 'tombstone';
      const isShown = verdicts[index] === 'shown' || (isTombstone && withTombstones.has(place));
      if (!each || !isShown) continue;
      const { facts, etag, body, bytes } = each.document;
      shown.push({ id: each.id, facts, etag, body, bytes, isTombstone });
    }
    return shown;
  }

  /** All that is known or cached, by one question; then what is not. */
  private async look(
    viewerId: string,
    ids: readonly string[],
    { signal, isCaughtUp = false }: { signal: HowToShow['signal']; isCaughtUp?: boolean },
  ): Promise<[viewer: Viewer, found: readonly (FoundPost | undefined)[]]> {
    const sights = new Sights(this.known, this.sources, { viewerId, ids });
    const { relations, posts, known } = await sights.all(isCaughtUp);
    this.cache.servedByOthers(known);
    const found = posts.map((sighted, index) =>
      this.complete(viewerId, ids[index] ?? '', { sighted, signal }),
    );
    if (relations && !found.some((each) => each instanceof Promise))
      return [{ id: viewerId, relations }, found as (FoundPost | undefined)[]];
    const [late, ...whole] = await Promise.all([
      relations ?? this.relations.read(viewerId, signal).then(relationsIn),
      ...found,
    ]);
    return [{ id: viewerId, relations: late }, whole];
  }

  private complete(
    viewerId: string,
    id: string,
    { sighted, signal }: { sighted: SightedPost; signal: HowToShow['signal'] },
  ): FoundPost | Promise<FoundPost | undefined> {
    const { document, author } = sighted;
    if (!document) return this.find(viewerId, id, { sighted, signal });
    const state = document.facts.authorId === viewerId ? ownState : author;
    return state ? { id, document, author: state } : this.withAuthor(id, document, signal);
  }

  /** Whose post it was could not be known before it was here. */
  private async withAuthor(
    id: string,
    document: PostDocument,
    signal: HowToShow['signal'],
  ): Promise<FoundPost> {
    const { authorId } = document.facts;
    this.people.rememberAuthor(id, authorId);
    return { id, document, author: await this.people.stateOf(authorId, signal) };
  }

  private readonly sources: Sources = {
    post: (id, glance) => this.cache.glanceAt(id, glance, { toLoad: true }),
    person: (id, glance) => this.people.glanceAt(id, glance),
    viewer: (id, glance) => this.relations.glanceAt(id, glance),
    authorOf: (postId) => this.people.authorOf(postId),
  };

  /**
   * Where its row has to be read, its author's state comes along. Who the author is, is remembered only when the post is
   * read again: most of what was not cached is not, and what is kept of it for long costs the collector a fifteenth of
   * the read.
   */
  private async find(
    viewerId: string,
    id: string,
    { sighted, signal }: { sighted: SightedPost; signal: HowToShow['signal'] },
  ): Promise<FoundPost | undefined> {
    let { author } = sighted;
    const load = async (abandoned: () => AbortSignal) => {
      const row = await this.documents.find(id, { lateSignal: abandoned });
      if (!row) return undefined;
      // What is loaded for this reader is no older than the question.
      author = personState(row.author_private, row.author_gone);
      return packedOf(row);
    };
    const packed = await this.cache.getOrLoadBytes(id, load, { seen: sighted.missing, signal });
    if (packed === undefined) return undefined;
    const document = unpackPost(packed);
    const { authorId } = document.facts;
    const state = authorId === viewerId ? ownState : author;
    return state ? { id, document, author: state } : this.withAuthor(id, document, signal);
  }

  private judgeAll(
    viewer: Viewer,
    found: readonly (FoundPost | undefined)[],
    how: { place: Place; signal: HowToShow['signal'] },
  ): Verdict[] | Promise<Verdict[]> {
    const judged = found.map((each) => (each ? this.judge(viewer, each, how) : 'absent'));
    return judged.every((each) => typeof each === 'string')
      ? judged
      : Promise.all(judged.map((each) => Promise.resolve(each)));
  }

  private judge(
    viewer: Viewer,
    found: Pick<FoundPost, 'document' | 'author'>,
    how: { place: Place; signal: HowToShow['signal'] },
  ): Verdict | Promise<Verdict> {
    return judgeAtOnce(viewer, found, how.place) ?? this.judgeSlowly(viewer, found, how);
  }

  private async judgeSlowly(
    viewer: Viewer,
    { document: { facts }, author }: { document: PostDocument; author: PersonState },
    { place, signal }: { place: Place; signal: HowToShow['signal'] },
  ): Promise<Verdict> {
    const [{ blocked, muted }, follows] = await Promise.all([
      this.relations.with(viewer, facts.authorId, signal),
      asksForFollow(facts, author) && this.relations.follows(viewer.id, facts.authorId, signal),
    ]);
    const mentioned = facts.mentioned.includes(viewer.id);
    return decide(
      facts,
      { author, relation: { isAuthor: false, blocked, follows, mentioned, muted } },
      place,
    );
  }
}

/** Undefined where something has to be asked of PostgreSQL: few posts are of private accounts. */
function judgeAtOnce(
  { id, relations }: Viewer,
  { document: { facts }, author }: Pick<FoundPost, 'document' | 'author'>,
  place: Place,
): Verdict | undefined {
  const isAuthor = facts.authorId === id;
  if (!isAuthor && (!relations.whole || asksForFollow(facts, author))) return undefined;
  const blocked = relations.blocked.has(facts.authorId);
  const muted = relations.muted.has(facts.authorId);
  const mentioned = facts.mentioned.includes(id);
  return decide(facts, { author, relation: { isAuthor, blocked, follows: false, mentioned, muted } }, place);
}

function seen(viewerId: string, id: string, { post, viewer, author }: KnownSight): [Viewer, FoundPost] {
  return [
    { id: viewerId, relations: viewer.value },
    { id, document: post.value, author: author?.value ?? ownState },
  ];
}

function shownOnly(verdict: Verdict, document: PostDocument): PostDocument {
  if (verdict === 'tombstone') throw postsErrors.deleted();
  if (verdict !== 'shown') throw postsErrors.notFound();
  return document;
}
