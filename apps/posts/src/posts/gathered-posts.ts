import { postCreated } from '@rostrum/contracts';
import {
  compareKeys,
  createGatheredWrite,
  mapViolation,
  withTextArrays,
  type Database,
  type GatheredWrite,
  type KeyToKeep,
} from '@rostrum/data-access';
import type { EventPublisher } from '@rostrum/service-kit';
import type { BusinessEvents } from '../business-events';
import type { Timelines } from '../feed/timelines';
import type { Person } from '../profiles/profile';
import { profilesErrors } from '../profiles/profiles.errors';
import type { TextComposer } from '../text/text-composer';
import { newPost, type Post } from './post';
import type { PostRequest } from './post-planner';
import { insertPosts, type GatheredPost } from './post-statement';

export interface GatheredPostsDependencies {
  database: Pick<Database, 'query'>;
  composer: Pick<TextComposer, 'composeAlone'>;
  publisher: Pick<EventPublisher, 'rowOf' | 'wake'>;
  timelines: Pick<Timelines, 'wrote'>;
  events: Pick<BusinessEvents, 'postCreated'>;
  /** Called when so many posts stand that were written together. */
  onWritten: (count: number) => void;
}

/** Publishes posts that concern nobody but their author: those that come at a time are one statement and one commit. */
export class GatheredPosts {
  private readonly write: GatheredWrite<GatheredPost>;

  constructor(
    private readonly dependencies: GatheredPostsDependencies,
    most: number,
  ) {
    const { database, publisher, timelines, onWritten } = dependencies;
    this.write = createGatheredWrite<GatheredPost>({
      db: withTextArrays(database),
      ...insertPosts,
      most,
      leavesOut: true,
      order: (one, other) => compareKeys(one.key, other.key),
      after: async (written) => {
        onWritten(written.length);
        publisher.wake();
        await timelines.wrote(written.map(({ post }) => ({ postId: post.id, authorId: post.author.id })));
      },
    });
  }

  /** Undefined where it has not been published: it answers, quotes or names somebody, or its key was not free. */
  async create(
    author: Person,
    request: PostRequest,
    keep: (post: Post) => KeyToKeep | undefined,
  ): Promise<Post | undefined> {
    const { composer, publisher, events } = this.dependencies;
    const { text, visibility = 'public', ...others } = request;
    if (Object.values(others).some((other) => other !== undefined)) return undefined;
    const composed = composer.composeAlone(text);
    if (!composed) return undefined;
    const { facets, tags } = composed;
    const content = { text, facets, media: [], visibility, replyTo: null, rootId: null, quoteOf: null };
    const post = newPost(author, content);
    const event = publisher.rowOf(postCreated, createdFact(post));
    const isWritten = await this.write({ post, tags, event, key: keep(post) }).catch(toProblem);
    if (!isWritten) return undefined;
    events.postCreated(post);
    return post;
  }
}

function createdFact({ id, author, createdAt, visibility }: Post) {
  return {
    key: author.id,
    payload: {
      postId: id,
      authorId: author.id,
      authorUsername: author.username,
      createdAt: createdAt.toISOString(),
      visibility,
    },
  };
}

function toProblem(error: unknown): never {
  throw mapViolation(error, { profiles_username_key: (cause) => profilesErrors.notReady(cause) });
}
