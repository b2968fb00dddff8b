import { postCreated } from '@rostrum/contracts';
import type { Cache, CachedDocument, Queryable } from '@rostrum/data-access';
import type { EventPublisher, Write } from '@rostrum/service-kit';
import type { BusinessEvents } from '../business-events';
import type { Person } from '../profiles/profile';
import { ProfilesRepository } from '../profiles/profiles.repository';
import { newPost, type Post } from './post';
import { postDocument } from './post-document';
import { postsErrors } from './posts.errors';
import { PostsRepository } from './posts.repository';

export class PostsService {
  private readonly posts: PostsRepository;

  // eslint-disable-next-line max-params -- four dependencies, each of which it needs
  constructor(
    database: Queryable,
    private readonly cache: Pick<Cache, 'getOrLoadDocument'>,
    private readonly publisher: EventPublisher,
    private readonly events: Pick<BusinessEvents, 'postCreated'>,
  ) {
    this.posts = new PostsRepository(database);
  }

  /** Nobody can have asked for it before, so that no cache has to hear of it: its id is drawn by lot here. */
  create(author: Person, text: string, write: Write<Post>): Promise<Post> {
    const post = newPost(author, text);
    return write(async (trx) => {
      await new ProfilesRepository(trx).ensure(author);
      await new PostsRepository(trx).insert(post);
      await this.publisher.publish(trx, postCreated, {
        key: author.id,
        payload: {
          postId: post.id,
          authorId: author.id,
          authorUsername: author.username,
          createdAt: post.createdAt.toISOString(),
        },
      });
      trx.onCommit(() => this.events.postCreated(post));
      return post;
    });
  }

  /** The post ready to be sent: from the cache, or from PostgreSQL where Redis has none or is not there. */
  async read(id: string, signal: () => AbortSignal): Promise<CachedDocument> {
    const load = (abandoned: AbortSignal) => this.load(id, abandoned);
    const document = await this.cache.getOrLoadDocument(id, load, { signal });
    if (!document) throw postsErrors.notFound();
    return document;
  }

  private async load(id: string, signal: AbortSignal): Promise<{ etag: string; body: string } | undefined> {
    const post = await this.posts.find(id, { signal });
    return post && postDocument(post);
  }
}
