import type { Database } from '@rostrum/data-access';
import type { EventPublisher, Kit } from '@rostrum/service-kit';
import type { Timelines } from '../feed/timelines';
import type { Visibility } from '../visibility/open-visibility';
import { PeoplePages } from '../visibility/people-pages';
import { ReactionCounts } from './reaction-counts';
import { ReactionListsService } from './reaction-lists.service';
import { ReactionWrites } from './reaction-writes';
import { ReactionsRepository } from './reactions.repository';
import type { ReactionsFeature } from './reactions.routes';
import { ReactionsService } from './reactions.service';

interface ReactionsParts {
  kit: Kit;
  database: Database;
  visibility: Visibility;
  publisher: EventPublisher;
  timelines: Timelines;
}

export function openReactions(
  { kit, database, visibility, publisher, timelines }: ReactionsParts,
  cursorSecret: string,
): ReactionsFeature {
  const { reader, pages, peopleReader, postCache: cache } = visibility;
  const counts = new ReactionCounts(kit);
  const writes = new ReactionWrites({
    database,
    cache,
    onChanged: (reaction, count) => {
      if (reaction.kind !== 'bookmark') publisher.wake();
      counts.reacted(reaction, count);
    },
  });
  const people = new PeoplePages(peopleReader);
  const reactions = new ReactionsRepository(database);
  return {
    reactions: new ReactionsService(reader, writes, publisher, timelines),
    lists: new ReactionListsService({ reactions, reader, pages, people, cursorSecret }),
  };
}
