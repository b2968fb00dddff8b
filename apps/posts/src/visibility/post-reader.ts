import { Glance, missing, type Cache, type Glimpse } from '@rostrum/data-access';
import { packPost, unpackPost, type PostDocument } from '../posts/post-document';
import { postsErrors } from '../posts/posts.errors';
import type { PostRows } from '../posts/posts.repository';
import { asksForFollow, decide, type PersonState, type Place, type Verdict } from './decide';
import { personState, stateIn, type People } from './people';
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

const stateOrMissing = (state: Glimpse) => (state === missing ? missing : stateIn(state));

const withTombstones: ReadonlySet<Place> = new Set(['thread', 'moderation']);

/** The only way from ids of posts to what a viewer sees of them. */
export class PostReader {
  // eslint-disable-next-line max-params -- four parts, each of which it needs
  constructor(
    private readonly rows: Pick<PostRows, 'find'>,
    private readonly cache: Pick<Cache, 'getOrLoadBytes' | 'glanceAt'>,
    private readonly people: Pick<People, 'stateOf' | 'read' | 'glanceAt' | 'authorOf' | 'rememberAuthor'>,
    private readonly relations: Pick<ViewerRelations, 'read' | 'glanceAt' | 'with' | 'follows'>,
  ) {}

  /** One post by itself, ready to be sent; or the error that says that there is none, or none any more. */
  async readOne(
    viewerId: string,
    id: string,
    { place = 'direct', signal }: HowToShow = {},
  ): Promise<PostDocument> {
    const [viewer, [found]] = await this.look(viewerId, [id], signal);
    if (!found) throw postsErrors.notFound();
    const judged = this.judge(viewer, found, { place, signal });
    const verdict = typeof judged === 'string' ? judged : await judged;
    if (verdict === 'tombstone') throw postsErrors.deleted();
    if (verdict !== 'shown') throw postsErrors.notFound();
    return found.document;
  }

  /** Of these posts those that the viewer sees in this place, in the order of the ids; each once for each time it is named. */
  async show(
    viewerId: string,
    ids: readonly string[],
    { place = 'direct', signal }: HowToShow = {},
  ): Promise<ShownPost[]> {
    if (ids.length === 0) return [];
    const [viewer, found] = await this.look(viewerId, ids, signal);
    const verdicts = await this.judgeAll(viewer, found, { place, signal });
    return found.flatMap((each, index) => {
      const isTombstone = verdicts[index] === 'tombstone';
      const isShown = verdicts[index] === 'shown' || (isTombstone && withTombstones.has(place));
      return each && isShown ? [{ id: each.id, ...each.document, isTombstone }] : [];
    });
  }

  /** All that the caches have, in one turn of the event loop, so that it travels together; then what they do not have. */
  private async look(
    viewerId: string,
    ids: readonly string[],
    signal: HowToShow['signal'],
  ): Promise<[viewer: Viewer, found: readonly (FoundPost | undefined)[]]> {
    const glance = new Glance();
    this.relations.glanceAt(viewerId, glance);
    const authors = ids.map((id) => this.glanceAt(id, viewerId, glance));
    const values = await glance.all();
    let place = 1;
    const found = ids.map((id, index) => {
      const authorId = authors[index];
      if (authorId === undefined) return undefined;
      const packed = values[place++];
      const state = authorId === viewerId ? ownState : stateOrMissing(values[place++]);
      // That there is none is looked at again: few ask for what there is not.
      if (!Buffer.isBuffer(packed) || state === missing) return undefined;
      return { id, document: unpackPost(packed), author: state };
    });
    const [packed] = values;
    if (packed !== missing && !found.includes(undefined))
      return [{ id: viewerId, relations: relationsIn(packed) }, found];
    const [late, whole] = await Promise.all([
      packed === missing ? this.relations.read(viewerId, signal) : packed,
      Promise.all(
        found.map((each, index) => Promise.resolve(each ?? this.find(viewerId, ids[index] ?? '', signal))),
      ),
    ]);
    return [{ id: viewerId, relations: relationsIn(late) }, whole];
  }

  /** The author, where it is known who that is: then their state is asked for along with the post. */
  private glanceAt(id: string, viewerId: string, glance: Glance): string | undefined {
    const authorId = this.people.authorOf(id);
    if (authorId === undefined) return undefined;
    this.cache.glanceAt(id, glance);
    if (authorId !== viewerId) this.people.glanceAt(authorId, glance);
    return authorId;
  }

  /** With the author's state: read along with the post where it is known who wrote it, or where its row had to be. */
  private async find(
    viewerId: string,
    id: string,
    signal: HowToShow['signal'],
  ): Promise<FoundPost | undefined> {
    const known = this.people.authorOf(id);
    let loaded: PersonState | undefined;
    const load = async (abandoned: AbortSignal) => {
      const row = await this.rows.find(id, { signal: abandoned });
      loaded = row && personState(row.author_private, row.author_gone);
      return row && packPost(row);
    };
    const reading = this.cache.getOrLoadBytes(id, load, signal && { signal });
    if (known !== undefined && known !== viewerId) {
      const [packed, state] = await Promise.all([reading, this.people.read(known, signal)]);
      return packed && { id, document: unpackPost(packed), author: stateIn(state) };
    }
    const packed = await reading;
    if (packed === undefined) return undefined;
    const document = unpackPost(packed);
    const { authorId } = document.facts;
    if (known === undefined) this.people.rememberAuthor(id, authorId);
    if (authorId === viewerId) return { id, document, author: ownState };
    // What was loaded for this reader is no older than the question.
    return { id, document, author: loaded ?? (await this.people.stateOf(authorId, signal)) };
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

  /** At once, unless something has to be asked of PostgreSQL: few posts are of private accounts. */
  private judge(
    viewer: Viewer,
    { document, author }: { document: PostDocument; author: PersonState },
    { place, signal }: { place: Place; signal: HowToShow['signal'] },
  ): Verdict | Promise<Verdict> {
    const { facts } = document;
    const { relations } = viewer;
    const isAuthor = facts.authorId === viewer.id;
    const mentioned = facts.mentioned.includes(viewer.id);
    if (isAuthor || (relations.whole && !asksForFollow(facts, author))) {
      const blocked = relations.blocked.has(facts.authorId);
      const muted = relations.muted.has(facts.authorId);
      const relation = { isAuthor, blocked, follows: false, mentioned, muted };
      return decide(facts, { author, relation }, place);
    }
    return this.judgeSlowly(viewer, { document, author }, { place, signal });
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
