import type { Database } from '@rostrum/data-access';
import type { EventPublisher, Kit } from '@rostrum/service-kit';
import type { BusinessEvents } from '../business-events';
import type { Timelines } from '../feed/timelines';
import { MediaPicker } from '../media/media-picker';
import { MediaRepository } from '../media/media.repository';
import { MentionsRepository } from '../text/mentions.repository';
import { TextComposer } from '../text/text-composer';
import type { Visibility } from '../visibility/open-visibility';
import { GatheredPosts } from './gathered-posts';
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
  const pictures = new MediaPicker(new MediaRepository(database));
  const planner = new PostPlanner(composer, reader, pictures);
  return { composer, pictures, planner, posts: new PostsService({ planner, cache, publisher, events }) };
}

export type Publishing = ReturnType<typeof openPublishing>;

/** So many posts at most are one statement. */
const mostTogether = 200;

export function openPosts(
  { kit, timelines, ...parts }: PostsParts & { kit: Pick<Kit, 'metrics'>; timelines: Timelines },
  { composer, pictures, posts }: Publishing,
  cursorSecret: string,
): PostsFeature {
  const { database, visibility, publisher, events } = parts;
  const sizes = kit.metrics.histogram('posts_written_together', 'New posts, by statements that wrote them', {
    buckets: [1, 2, 5, 10, 20, 50, 100, mostTogether],
  });
  const { reader, rows, postCache: cache } = visibility;
  const changes = new PostChangesService({
    composer,
    pictures,
    reader,
    rows,
    cache,
    publisher,
    events,
  });
  const versions = new VersionsService(new VersionsRepository(database), reader, cursorSecret);
  const onWritten = (count: number) => sizes.observe(count);
  const together = new GatheredPosts(
    { database, composer, publisher, timelines, events, onWritten },
    mostTogether,
  );
  return { posts, together, changes, versions, reader };
}
