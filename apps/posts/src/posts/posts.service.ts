import { postCreated } from '@rostrum/contracts';
import type { Cache, Database } from '@rostrum/data-access';
import type { EventPublisher } from '@rostrum/service-kit';
import type { BusinessEvents } from '../business-events';
import type { Person } from '../profiles/profile';
import { ProfilesRepository } from '../profiles/profiles.repository';
import { newPost, type Post } from './post';
import { packPost, unpackPost, type PostDocument } from './post-document';
import { postsErrors } from './posts.errors';
import { PostsRepository } from './posts.repository';

const cachedForSeconds = 600;

export class PostsService {
  private readonly posts: PostsRepository;

  // eslint-disable-next-line max-params -- four dependencies, each of which it needs
  constructor(
    private readonly database: Database,
    private readonly cache: Pick<Cache, 'getOrLoadBytes'>,
    private readonly publisher: EventPublisher,
    private readonly events: Pick<BusinessEvents, 'postCreated'>,
  ) {
    this.posts = new PostsRepository(database);
  }

  async create(author: Person, text: string): Promise<Post> {
    const post = newPost(author, text);
    await this.database.transaction(async (trx) => {
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
    });
    return post;
  }

  /** The post ready to be sent: from the cache, or from PostgreSQL where Redis has none or is not there. */
  async read(id: string): Promise<PostDocument> {
    const packed = await this.cache.getOrLoadBytes(id, cachedForSeconds, () => this.load(id));
    if (!packed) throw postsErrors.notFound();
    return unpackPost(packed);
  }

  private async load(id: string): Promise<string | undefined> {
    const post = await this.posts.find(id);
    return post && packPost(post);
  }
}
