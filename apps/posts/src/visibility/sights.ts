import {
  Glance,
  Missing,
  PartOfGlance,
  type Cache,
  type Glimpse,
  type TailReader,
} from '@rostrum/data-access';
import type { Condition } from '@rostrum/service-kit';
import { unpackPost, type PostDocument } from '../posts/post-document';
import type { PersonState } from './decide';
import type { Kept } from './kept-map';
import type { KnownPosts } from './known-posts';
import { stateIn } from './people';
import { relationsIn, type Relations } from './viewer-relations';

/** Where things are asked for that this process does not know. */
export interface Sources {
  post: (id: string, glance: Glance) => void;
  person: (id: string, glance: Glance) => void;
  viewer: (id: string, glance: Glance) => void;
  /** The author of a post, where it is known who that is. */
  authorOf: (postId: string) => string | undefined;
}

/** What was found of a post at once: all, or it has to be looked for. */
export interface SightedPost {
  document: PostDocument | undefined;
  author: PersonState | undefined;
  /** What there is of it in Redis, where it has to be loaded. */
  missing: Missing | undefined;
}

interface AskedPost {
  id: string;
  known: Kept<PostDocument> | undefined;
  authorId: string | undefined;
  knownAuthor: Kept<PersonState> | undefined;
}

/** All that this process knows and the caches have of some posts and their viewer, by one question to Redis. */
export class Sights {
  private readonly glance = new Glance();
  private readonly asked: AskedPost[];
  private readonly knownViewer: Kept<Relations> | undefined;
  private readonly moment: ReturnType<KnownPosts['now']>;
  private readonly viewerId: string;
  private usesKnown = false;

  constructor(
    private readonly known: KnownPosts,
    private readonly sources: Sources,
    { viewerId, ids }: { viewerId: string; ids: readonly string[] },
  ) {
    this.viewerId = viewerId;
    this.moment = known.now();
    this.knownViewer = known.viewer(viewerId);
    if (this.knownViewer) this.usesKnown = true;
    else sources.viewer(viewerId, this.glance);
    this.asked = ids.map((id) => this.askFor(id));
  }

  /**
   * The viewer's relations, undefined where they have to be looked for; the posts, in order; how many were known.
   * `isCaughtUp`: the log of changes has been read on since the request came, and need not be once more.
   */
  async all(isCaughtUp: boolean): Promise<{
    relations: Relations | undefined;
    posts: readonly SightedPost[];
    known: number;
  }> {
    const { known, glance, knownViewer, viewerId, moment } = this;
    const changes = this.usesKnown && !isCaughtUp ? new PartOfGlance(glance) : undefined;
    if (changes) known.ask(changes);
    const values = await glance.all();
    const holds = changes?.isCaughtUp ?? true;
    let place = 0;
    const next = () => values[place++] as Glimpse;

    let relations = knownViewer && ofKnown(knownViewer, holds);
    if (!knownViewer) {
      const packed = next();
      if (!(packed instanceof Missing)) {
        relations = relationsIn(packed);
        known.keepViewer(viewerId, relations, moment);
      }
    }
    const posts = this.asked.map((each): SightedPost => {
      const glimpse = each.known ? undefined : next();
      const missing = glimpse instanceof Missing ? glimpse : undefined;
      const document = each.known ? ofKnown(each.known, holds) : this.documentIn(each, glimpse);
      return { document, author: this.authorIn(each, { holds, next }), missing };
    });
    const knownPosts = holds ? this.asked.filter((each) => each.known !== undefined).length : 0;
    return { relations, posts, known: knownPosts };
  }

  private askFor(id: string): AskedPost {
    const { known, sources, glance, viewerId } = this;
    const post = known.post(id);
    const authorId = post ? post.value.facts.authorId : sources.authorOf(id);
    if (post) this.usesKnown = true;
    else sources.post(id, glance);
    if (authorId === undefined || authorId === viewerId)
      return { id, known: post, authorId, knownAuthor: undefined };
    const knownAuthor = known.person(authorId);
    if (knownAuthor) this.usesKnown = true;
    else sources.person(authorId, glance);
    return { id, known: post, authorId, knownAuthor };
  }

  /** Undefined too where it is the viewer, or not known who it is. */
  private authorIn(
    { authorId, knownAuthor }: AskedPost,
    { holds, next }: { holds: boolean; next: () => Glimpse },
  ): PersonState | undefined {
    if (authorId === undefined || authorId === this.viewerId) return undefined;
    if (knownAuthor) return ofKnown(knownAuthor, holds);
    const packed = next();
    if (packed instanceof Missing) return undefined;
    const author = stateIn(packed);
    this.known.keepPerson(authorId, author, this.moment);
    return author;
  }

  private documentIn({ id }: AskedPost, packed: Glimpse): PostDocument | undefined {
    // That there is none is looked at again: few ask for what there is not.
    if (!Buffer.isBuffer(packed)) return undefined;
    const document = unpackPost(packed);
    this.known.keepPost(id, document, this.moment);
    return document;
  }
}

function ofKnown<T>(kept: Kept<T>, holds: boolean): T | undefined {
  return holds && kept.isCurrent ? kept.value : undefined;
}

/** What this process knows, and what it asks whether that still holds. */
export interface Memory {
  known: KnownPosts;
  cache: Pick<Cache, 'servedByOthers'>;
}

/** One post that this process knows with all that decides who sees it: as above, with as little as can be. */
export class KnownSight implements TailReader, Condition {
  private told: ((holds: boolean) => void) | undefined;

  // eslint-disable-next-line max-params -- made for every cached read
  private constructor(
    private readonly memory: Memory,
    readonly post: Kept<PostDocument>,
    readonly viewer: Kept<Relations>,
    /** Undefined: the viewer is the author. */
    readonly author: Kept<PersonState> | undefined,
  ) {}

  /** Undefined where not all of it is known. */
  static of(memory: Memory, viewerId: string, id: string): KnownSight | undefined {
    const { known } = memory;
    const post = known.post(id);
    const viewer = known.viewer(viewerId);
    if (!post || !viewer) return undefined;
    const { authorId } = post.value.facts;
    if (authorId === viewerId) return new KnownSight(memory, post, viewer, undefined);
    const author = known.person(authorId);
    return author && new KnownSight(memory, post, viewer, author);
  }

  /** Tells whether it may be shown. */
  check(told: (holds: boolean) => void): void {
    const { known } = this.memory;
    known.now();
    this.told = told;
    known.ask(this);
  }

  onCaughtUp(): void {
    const holds = this.post.isCurrent && this.viewer.isCurrent && (this.author?.isCurrent ?? true);
    if (holds) this.memory.cache.servedByOthers(1);
    this.told?.(holds);
  }

  onSilence(): void {
    this.told?.(false);
  }
}
