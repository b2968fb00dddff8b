import type { FoundTag, Person } from '@rostrum/contracts';
import { createCursorCodec, type CursorCodec } from '@rostrum/security';
import { normalTag } from '../text/find-facets';
import type { PeoplePages } from '../visibility/people-pages';
import { entriesOf, type PostPages } from '../visibility/post-pages';
import { readPage } from '../visibility/read-page';
import type { PeopleFoundRepository } from './people-found.repository';
import type { SearchEngine } from './search-engine';
import { parseSearch, withoutControls } from './search-query';
import type { TagReader } from './tag-reader';

export interface SearchRequest {
  cursor: string | undefined;
  limit: number;
  signal: AbortSignal;
}

export interface Found<Item> {
  items: Item[];
  nextCursor: string | null;
}

export interface SearchDependencies {
  engine: SearchEngine;
  posts: Pick<PostPages, 'page'>;
  people: Pick<PeoplePages, 'page'>;
  profiles: Pick<PeopleFoundRepository, 'find'>;
  tags: Pick<TagReader, 'visible'>;
  cursorSecret: string;
}

const nothing = { items: [], nextCursor: null };

/** What an engine finds, as far as the viewer sees it at this moment. */
export class SearchService {
  constructor(private readonly dependencies: SearchDependencies) {}

  /** Each post as it is sent. */
  async posts(viewerId: string, text: string, request: SearchRequest): Promise<Found<string>> {
    const { engine, posts } = this.dependencies;
    const { limit, signal } = request;
    const query = parseSearch(text);
    if (query.length === 0) return nothing;
    const cursors = this.cursors('posts', viewerId, text);
    const source = async (after: string | undefined, most: number) =>
      entriesOf(await engine.posts(query, { after, limit: most, signal }));
    const how = { place: 'search', signal: () => signal } as const;
    const { shown, next } = await posts.page(viewerId, { source, after: cursors.after(request), limit }, how);
    return { items: shown.map(({ post }) => post.body), nextCursor: cursors.nextOf(next) };
  }

  async people(viewerId: string, text: string, request: SearchRequest): Promise<Found<Person>> {
    const { engine, people, profiles } = this.dependencies;
    const { limit, signal } = request;
    const name = withoutControls(text);
    const cursors = this.cursors('people', viewerId, text);
    const source = (after: string | undefined, most: number) =>
      engine.people(name, { after, limit: most, signal });
    const how = { place: 'search', signal: () => signal } as const;
    const { shown, next } = await people.page(
      viewerId,
      { source, after: cursors.after(request), limit },
      how,
    );
    const ids = shown.map(({ id }) => id);
    return { items: await profiles.find(ids, { signal }), nextCursor: cursors.nextOf(next) };
  }

  async tags(viewerId: string, text: string, request: SearchRequest): Promise<Found<FoundTag>> {
    const { engine, tags } = this.dependencies;
    const { limit, signal } = request;
    const start = normalTag(withoutControls(text).trim().replace(/^#/, ''));
    if (start === '') return nothing;
    const cursors = this.cursors('tags', viewerId, text);
    const source = (after: string | undefined, most: number) =>
      engine.tags(start, { after, limit: most, signal });
    const how = { place: 'search', signal: () => signal } as const;
    const { shown, next } = await readPage({ source, after: cursors.after(request), limit }, (found) =>
      tags.visible(viewerId, found, how),
    );
    return { items: shown.map(({ tag }) => ({ tag })), nextCursor: cursors.nextOf(next) };
  }

  /** A cursor is of one viewer's one search. */
  private cursors(what: string, viewerId: string, text: string) {
    const list = `search:${what}:${viewerId}:${text}`;
    const codec: CursorCodec<string> = createCursorCodec(this.dependencies.cursorSecret, list);
    return {
      after: ({ cursor }: SearchRequest) => (cursor === undefined ? undefined : codec.decode(cursor)),
      nextOf: (next: string | undefined) => (next === undefined ? null : codec.encode(next)),
    };
  }
}
