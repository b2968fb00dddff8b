import type { Cache, Transaction } from '@rostrum/data-access';
import type { EventPublisher, Write } from '@rostrum/service-kit';
import type { BusinessEvents } from '../business-events';
import { lockEditable, publishVersion } from '../posts/new-version';
import { toPost } from '../posts/post-row';
import { PostsRepository } from '../posts/posts.repository';
import { toPostMedia, type Media } from './media';
import { mediaErrors } from './media.errors';
import { MediaRepository } from './media.repository';

export interface MediaDescriptionsDependencies {
  media: Pick<MediaRepository, 'list'>;
  /** Documents of posts: they say what is to be seen in their pictures. */
  cache: Pick<Cache, 'change'>;
  publisher: EventPublisher;
  events: Pick<BusinessEvents, 'postEdited'>;
}

interface Description {
  id: string;
  alt: string;
}

/** What owners say of their pictures, for those who do not see them. */
export class MediaDescriptionsService {
  constructor(private readonly dependencies: MediaDescriptionsDependencies) {}

  /** Of a picture that a post shows, it is a part of what the post says: moderators and readers find what it said before. */
  async describe(
    ownerId: string,
    { id, alt }: Description,
    { write, signal }: { write: Write<Media>; signal: AbortSignal },
  ): Promise<Media> {
    const { media, cache } = this.dependencies;
    const [known] = await media.list([id], { signal });
    const own = known?.ownerId === ownerId ? known : undefined;
    const postId = own?.postId ?? null;
    const work = async (trx: Transaction) => {
      if (!own) throw mediaErrors.notFound();
      return postId === null ? describeIn(trx, own, alt) : this.describeInPost(trx, { postId, own, alt });
    };
    return postId === null ? write(work) : cache.change(postId, () => write(work));
  }

  /** The post is locked before its picture, as it is by edits. */
  private async describeInPost(
    trx: Transaction,
    { postId, own, alt }: { postId: string; own: Media; alt: string },
  ): Promise<Media> {
    const before = toPost(await lockEditable(new PostsRepository(trx), postId));
    const described = await describeIn(trx, own, alt);
    const shown = before.media.find(({ id }) => id === own.id);
    // An edit has left it out, or it is what it was: nobody who reads the post would see a difference.
    if (shown === undefined || shown.alt === alt) return described;
    const media = before.media.map((each) => (each === shown ? toPostMedia(described) : each));
    const { text, facets } = before;
    await publishVersion(trx, this.dependencies, { before, text, facets, media });
    return described;
  }
}

async function describeIn(trx: Transaction, own: Media, alt: string): Promise<Media> {
  const described = await new MediaRepository(trx).describe(own, alt);
  // Since it was looked up a post has taken it, whose readers have to hear of it; or it is gone.
  if (!described) throw mediaErrors.inUse();
  return described;
}
