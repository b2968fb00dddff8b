import { viewersRoute, visibleRoute } from '@rostrum/contracts';
import type { RouteBinder } from '@rostrum/service-kit';
import type { Person } from '../profiles/profile';
import type { PeopleReader } from './people-reader';
import type { PostReader } from './post-reader';
import { viewersAmong, type AudienceSources } from './viewers-among';

export interface VisibleParts extends AudienceSources {
  reader: Pick<PostReader, 'show'>;
  peopleReader: Pick<PeopleReader, 'visible'>;
  named: (usernames: readonly string[], options: { signal: AbortSignal }) => Promise<Person[]>;
}

/** What other services ask before they tell somebody of a post or a person. */
export function visibleRoutes(binder: RouteBinder, parts: VisibleParts): void {
  const { reader, peopleReader, named } = parts;
  binder.bind(visibleRoute, async ({ body: { viewerId, postIds, usernames }, signal }) => {
    const [posts, people] = await Promise.all([
      reader.show(viewerId, postIds, { signal: () => signal }),
      usernames.length > 0 ? named(usernames, { signal }) : [],
    ]);
    const ids = people.map(({ id }) => id);
    const seen = await peopleReader.visible(viewerId, ids, { signal: () => signal });
    const seenPeople = people.filter(({ id }) => seen.has(id));
    return {
      status: 200,
      body: {
        postIds: posts.map(({ id }) => id),
        authorIds: posts.map(({ facts }) => facts.authorId),
        usernames: seenPeople.map(({ username }) => username),
        userIds: seenPeople.map(({ id }) => id),
      },
    };
  });

  binder.bind(viewersRoute, async ({ body, signal }) => ({
    status: 200,
    body: { viewerIds: await viewersAmong(parts, { ...body, signal }) },
  }));
}
