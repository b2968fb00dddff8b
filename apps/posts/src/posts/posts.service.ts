import { postCreated } from '@rostrum/contracts';
import type { EventPublisher, Write } from '@rostrum/service-kit';
import type { BusinessEvents } from '../business-events';
import type { Person } from '../profiles/profile';
import { ProfilesRepository } from '../profiles/profiles.repository';
import { newPost, type Post } from './post';
import { PostsRepository } from './posts.repository';

export class PostsService {
  constructor(
    private readonly publisher: EventPublisher,
    private readonly events: Pick<BusinessEvents, 'postCreated'>,
  ) {}

  /** Nobody can have asked for it before, so that no cache has to hear of it: its id is drawn by lot here. */
  create(author: Person, text: string, write: Write<Post>): Promise<Post> {
    const post = newPost(author, {
      text,
      facets: [],
      media: [],
      visibility: 'public',
      replyTo: null,
      rootId: null,
      quoteOf: null,
    });
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
          visibility: post.visibility,
        },
      });
      trx.onCommit(() => this.events.postCreated(post));
      return post;
    });
  }
}
