import type { PersonEntry } from '../visibility/people-pages';
import type { Placed } from '../visibility/read-page';
import type { SearchQuery } from './search-query';

export interface SearchPage {
  /** Where the page before ended, as the engine itself has said; undefined for the first. */
  after: string | undefined;
  limit: number;
  signal: AbortSignal;
}

/** A tag, and the newest posts that have it. */
export interface TagFound extends Placed {
  tag: string;
  postIds: string[];
}

/**
 * Finds candidates, and knows nothing of who sees what: whatever it finds goes through the policy. Its order must not
 * change while somebody reads page after page.
 */
export interface SearchEngine {
  /** Ids of posts, newest first; `after` is one of them. */
  posts(query: SearchQuery, page: SearchPage): Promise<string[]>;
  /** People by their names: whose usernames begin so, then the most similar. */
  people(name: string, page: SearchPage): Promise<PersonEntry[]>;
  /** Tags that begin so, in the order of their characters, then the most similar. */
  tags(start: string, page: SearchPage): Promise<TagFound[]>;
}
