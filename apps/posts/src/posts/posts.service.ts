import { postCreated, userMentioned } from '@rostrum/contracts';
import type { Cache, Transaction } from '@rostrum/data-access';
import type { EventPublisher, Write } from '@rostrum/service-kit';
import type { BusinessEvents } from '../business-events';
import { claimMedia } from '../media/media-picker';
import type { Person } from '../profiles/profile';
import { newPost, type Post } from './post';
import type { PostPlan, PostPlanner, PostRequest } from './post-planner';
import { postsErrors } from './posts.errors';
import { PostsRepository, type Reference, type ReferencedPost } from './posts.repository';
import { attempt } from './refusal';

export interface PostsDependencies {
  planner: Pick<PostPlanner, 'plan'>;
  /** Documents of posts: they count who answers and quotes them. */
  cache: Pick<Cache, 'change'>;
  publisher: EventPublisher;
  events: Pick<BusinessEvents, 'postCreated'>;
}

interface WriteOptions {
  /** The transaction of the change. */
  write: Write<Post>;
  signal?: () => AbortSignal;
}

/** The posts that a new one answers and quotes, as they are once they have been counted. */
interface References {
  parent: ReferencedPost | undefined;
  quoted: ReferencedPost | undefined;
}

export class PostsService {
  constructor(private readonly dependencies: PostsDependencies) {}

  async create(author: Person, request: PostRequest, { write, signal }: WriteOptions): Promise<Post> {
    const { planner, cache } = this.dependencies;
    const planned = await attempt(planner.plan(author.id, request, signal));
    const work = async (trx: Transaction) => {
      if (planned.refusal) throw planned.refusal;
      return this.publish(trx, author, planned.value);
    };
    const counted = countedBy(planned.value);
    // Nobody can have asked for the new one before, so that no cache has to hear of it: its id is drawn by lot.
    return counted.length === 0 ? write(work) : cache.change(counted, () => write(work));
  }

  /** Part of a transaction. Whoever calls it sees to it that the cache hears of what the post answers and quotes. */
  async publish(trx: Transaction, author: Person, plan: PostPlan): Promise<Post> {
    const posts = new PostsRepository(trx);
    const references = await countReferences(posts, plan);
    const { text, facets, visibility, media, replyTo, quoteOf } = plan;
    const rootId = references.parent?.root_id ?? null;
    const planned = newPost(author, { text, facets, media, visibility, replyTo, rootId, quoteOf });
    const post = { ...planned, media: await claimMedia(trx, planned) };
    await posts.insert(post, plan);
    await this.tell(trx, post, { references, mentioned: plan.mentioned });
    trx.onCommit(() => this.dependencies.events.postCreated(post));
    return post;
  }

  private async tell(
    trx: Transaction,
    post: Post,
    { references, mentioned }: { references: References; mentioned: readonly string[] },
  ): Promise<void> {
    const { publisher } = this.dependencies;
    const { parent, quoted } = references;
    const { id: postId, author, replyTo, quoteOf, rootId } = post;
    await publisher.publish(trx, postCreated, {
      key: author.id,
      payload: {
        postId,
        authorId: author.id,
        authorUsername: author.username,
        createdAt: post.createdAt.toISOString(),
        visibility: post.visibility,
        ...(replyTo !== null && parent && { replyTo: { postId: replyTo, authorId: parent.author_id } }),
        ...(rootId !== null && { rootId }),
        ...(quoteOf !== null && quoted && { quoteOf: { postId: quoteOf, authorId: quoted.author_id } }),
        ...(mentioned.length > 0 && { mentions: mentioned.map((userId) => ({ userId })) }),
      },
    });
    await tellMentioned(trx, publisher, { post, userIds: mentioned, at: post.createdAt });
  }
}

/** Nobody is told that they have named themselves. */
export async function tellMentioned(
  trx: Transaction,
  publisher: EventPublisher,
  { post, userIds, at }: { post: Pick<Post, 'id' | 'author'>; userIds: readonly string[]; at: Date },
): Promise<void> {
  const { id: postId, author } = post;
  for (const userId of userIds) {
    if (userId === author.id) continue;
    await publisher.publish(trx, userMentioned, {
      key: userId,
      payload: {
        userId,
        postId,
        authorId: author.id,
        authorUsername: author.username,
        mentionedAt: at.toISOString(),
      },
    });
  }
}

/** The posts whose counts a new one changes: the cache has to hear of it. */
export function countedBy(plan: Pick<PostPlan, 'replyTo' | 'quoteOf'> | undefined): string[] {
  return referencesOf(plan).map(({ id }) => id);
}

/** In the order of their ids, so that those who write at once never wait in a ring. */
function referencesOf(plan: Pick<PostPlan, 'replyTo' | 'quoteOf'> | undefined): Reference[] {
  const { replyTo = null, quoteOf = null } = plan ?? {};
  if (replyTo !== null && replyTo === quoteOf) return [{ id: replyTo, replies: 1, quotes: 1 }];
  const references: Reference[] = [];
  if (replyTo !== null) references.push({ id: replyTo, replies: 1, quotes: 0 });
  if (quoteOf !== null) references.push({ id: quoteOf, replies: 0, quotes: 1 });
  return references.sort((one, other) => (one.id < other.id ? -1 : 1));
}

async function countReferences(posts: PostsRepository, plan: PostPlan): Promise<References> {
  const found = new Map<string, ReferencedPost>();
  for (const reference of referencesOf(plan)) {
    const post = await posts.count(reference);
    if (post) found.set(reference.id, post);
  }
  const parent = plan.replyTo === null ? undefined : found.get(plan.replyTo);
  const quoted = plan.quoteOf === null ? undefined : found.get(plan.quoteOf);
  // They were there a moment ago.
  if (plan.replyTo !== null && !parent) throw postsErrors.replyToNotFound();
  if (plan.quoteOf !== null && !quoted) throw postsErrors.quoteOfNotFound();
  return { parent, quoted };
}
