import { visibleRoute } from '@rostrum/contracts';
import type { RouteBinder } from '@rostrum/service-kit';
import type { Person } from '../profiles/profile';
import type { PeopleReader } from './people-reader';
import type { PostReader } from './post-reader';

export interface VisibleParts {
  reader: Pick<PostReader, 'show'>;
  peopleReader: Pick<PeopleReader, 'visible'>;
  named: (usernames: readonly string[], options: { signal: AbortSignal }) => Promise<Person[]>;
}

/** What other services ask before they tell somebody of a post or a person. */
export function visibleRoutes(binder: RouteBinder, { reader, peopleReader, named }: VisibleParts): void {
  binder.bind(visibleRoute, async ({ body: { viewerId, postIds, usernames }, signal }) => {
    const [posts, people] = await Promise.all([
      reader.show(viewerId, postIds, { signal: () => signal }),
      usernames.length > 0 ? named(usernames, { signal }) : [],
    ]);
    const ids = people.map(({ id }) => id);
    const seen = await peopleReader.visible(viewerId, ids, { signal: () => signal });
    return {
      status: 200,
      body: {
        postIds: posts.map(({ id }) => id),
        usernames: people.filter(({ id }) => seen.has(id)).map(({ username }) => username),
      },
    };
  });
}
