import type { Database } from '@rostrum/data-access';
import type { EventPublisher } from '@rostrum/service-kit';
import type { BusinessEvents } from '../business-events';
import { MentionsRepository } from '../text/mentions.repository';
import { TextComposer } from '../text/text-composer';
import type { Visibility } from '../visibility/open-visibility';
import { PostChangesService } from './post-changes.service';
import { PostPlanner } from './post-planner';
import type { PostsFeature } from './posts.routes';
import { PostsService } from './posts.service';
import { VersionsRepository } from './versions.repository';
import { VersionsService } from './versions.service';

export interface PostsParts {
  database: Database;
  visibility: Visibility;
  publisher: EventPublisher;
  events: BusinessEvents;
}

/** What publishes posts: requests do, and so does the worker with those whose time has come. */
export function openPublishing({ database, visibility, publisher, events }: PostsParts) {
  const { reader, peopleReader, postCache: cache } = visibility;
  const composer = new TextComposer(new MentionsRepository(database), peopleReader);
  const planner = new PostPlanner(composer, reader);
  return { composer, planner, posts: new PostsService({ planner, cache, publisher, events }) };
}

export type Publishing = ReturnType<typeof openPublishing>;

export function openPosts(
  parts: PostsParts,
  { composer, posts }: Publishing,
  cursorSecret: string,
): PostsFeature {
  const { database, visibility, publisher, events } = parts;
  const { reader, rows, postCache: cache } = visibility;
  const changes = new PostChangesService({ composer, reader, rows, cache, publisher, events });
  const versions = new VersionsService(new VersionsRepository(database), reader, cursorSecret);
  return { posts, changes, versions, reader };
}
