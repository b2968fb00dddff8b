import type { PostFacet } from '@rostrum/contracts';
import type { PeopleReader } from '../visibility/people-reader';
import { findFacets, type FoundFacet } from './find-facets';
import type { MentionsRepository } from './mentions.repository';

/** A text, with what its parts are. */
export interface ComposedText {
  text: string;
  facets: PostFacet[];
  /** Whom it names; each once. */
  mentioned: string[];
  tags: string[];
}

type Signal = (() => AbortSignal) | undefined;

/** Reads out of a text once, when it is written, what its readers are to be told of it. */
export class TextComposer {
  constructor(
    private readonly mentions: Pick<MentionsRepository, 'named'>,
    private readonly people: Pick<PeopleReader, 'visible'>,
  ) {}

  /** The same as `compose` for a text that names nobody; undefined for any other. */
  composeAlone(text: string): ComposedText | undefined {
    const found = findFacets(text);
    if (found.length === 0) return { text, facets: [], mentioned: [], tags: [] };
    const facets = found.flatMap((facet): PostFacet[] => (facet.type === 'mention' ? [] : [facet]));
    return facets.length === found.length ? { text, facets, mentioned: [], tags: tagsOf(facets) } : undefined;
  }

  /** Names of nobody, and of those who are not there for the author, are text like any other. */
  async compose(authorId: string, text: string, signal: Signal): Promise<ComposedText> {
    const found = findFacets(text);
    if (found.length === 0) return { text, facets: [], mentioned: [], tags: [] };
    const known = await this.known(authorId, found, signal);
    const facets = found.flatMap((facet): PostFacet[] => {
      if (facet.type !== 'mention') return [facet];
      const userId = known.get(facet.username);
      return userId === undefined ? [] : [{ ...facet, userId }];
    });
    const mentioned = facets.flatMap((facet) => (facet.type === 'mention' ? [facet.userId] : []));
    return { text, facets, mentioned: [...new Set(mentioned)], tags: tagsOf(facets) };
  }

  private async known(
    authorId: string,
    found: readonly FoundFacet[],
    signal: Signal,
  ): Promise<Map<string, string>> {
    const names = new Set(found.flatMap((facet) => (facet.type === 'mention' ? [facet.username] : [])));
    if (names.size === 0) return new Map();
    const people = await this.mentions.named([...names], { signal: signal?.() });
    const ids = people.map(({ id }) => id);
    const visible = await this.people.visible(authorId, ids, signal && { signal });
    return new Map(people.filter(({ id }) => visible.has(id)).map(({ id, username }) => [username, id]));
  }
}

/** Each once. */
function tagsOf(facets: readonly PostFacet[]): string[] {
  return [...new Set(facets.flatMap((facet) => (facet.type === 'tag' ? [facet.tag] : [])))];
}
