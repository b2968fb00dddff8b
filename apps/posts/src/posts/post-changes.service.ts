import { postDeleted, type PostMedia } from '@rostrum/contracts';
import { problems } from '@rostrum/errors';
import type { Cache, Transaction } from '@rostrum/data-access';
import type { EventPublisher, Write } from '@rostrum/service-kit';
import type { BusinessEvents } from '../business-events';
import { claimMedia, type MediaPicker } from '../media/media-picker';
import type { ComposedText, TextComposer } from '../text/text-composer';
import type { PostReader } from '../visibility/post-reader';
import { lockEditable, publishVersion } from './new-version';
import type { Post } from './post';
import { isSameVersion } from './post-document';
import { toPost, type PostRow } from './post-row';
import { postsErrors } from './posts.errors';
import { PostsRepository, type PostRows } from './posts.repository';
import { tellMentioned } from './posts.service';
import { attempt } from './refusal';

export interface PostChangesDependencies {
  composer: Pick<TextComposer, 'compose'>;
  pictures: Pick<MediaPicker, 'pick'>;
  reader: Pick<PostReader, 'readOne'>;
  rows: Pick<PostRows, 'find'>;
  cache: Pick<Cache, 'change'>;
  publisher: EventPublisher;
  events: Pick<BusinessEvents, 'postEdited' | 'postDeleted'>;
}

export interface PostEdit {
  id: string;
  text: string;
  /** Without it the pictures stay as they are. */
  media?: readonly string[] | undefined;
  /** Which version the author has read. */
  ifMatch: string;
}

interface WriteOptions<T> {
  write: Write<T>;
  signal: () => AbortSignal;
}

/** What authors do with posts that are there already. */
export class PostChangesService {
  constructor(private readonly dependencies: PostChangesDependencies) {}

  /** What is what it was already makes no version. */
  async edit(authorId: string, edit: PostEdit, { write, signal }: WriteOptions<Post>): Promise<Post> {
    const { composer, cache, pictures } = this.dependencies;
    const { id: postId, text, media } = edit;
    const prepared = await attempt(
      Promise.all([
        composer.compose(authorId, text, signal),
        media && pictures.pick(authorId, media, { postId, signal }),
        this.assertOwn(authorId, postId, signal),
      ]),
    );
    const work = async (trx: Transaction) => {
      if (prepared.refusal) throw prepared.refusal;
      const [composed, picked] = prepared.value;
      return this.editIn(trx, edit, { composed, media: picked });
    };
    return cache.change(edit.id, () => write(work));
  }

  /** Again, it changes nothing and tells nobody. */
  async remove(authorId: string, id: string, { write, signal }: WriteOptions<void>): Promise<void> {
    const { rows, cache } = this.dependencies;
    const row = await rows.find(id, { signal: signal() });
    const isOwn = row?.author_id === authorId;
    const owned = await attempt(isOwn ? Promise.resolve() : this.assertOwn(authorId, id, signal));
    const counted = row && isOwn ? parentsOf(row) : [];
    const work = async (trx: Transaction) => {
      if (owned.refusal) throw owned.refusal;
      await this.removeIn(trx, id, counted);
    };
    await cache.change([id, ...counted], () => write(work));
  }

  private async assertOwn(viewerId: string, id: string, signal: () => AbortSignal): Promise<void> {
    const { facts } = await this.dependencies.reader.readOne(viewerId, id, { signal });
    if (facts.authorId !== viewerId) throw postsErrors.notYours();
  }

  private async editIn(
    trx: Transaction,
    { id, ifMatch }: PostEdit,
    { composed, media }: { composed: ComposedText; media: readonly PostMedia[] | undefined },
  ): Promise<Post> {
    const posts = new PostsRepository(trx);
    const row = await lockEditable(posts, id);
    if (!isSameVersion(ifMatch, row.version)) throw problems.preconditionFailed();
    const { text, facets } = composed;
    const before = toPost(row);
    if (row.text === text && (!media || isSameMedia(media, before.media))) return before;
    // What is no longer in it stays its own, since it is in the version of before.
    const claimed = await claimMedia(trx, { ...before, media: media ?? before.media });
    const post = await publishVersion(trx, this.dependencies, { before, text, facets, media: claimed });
    const userIds = await posts.replaceNames(id, composed);
    await tellMentioned(trx, this.dependencies.publisher, { post, userIds, at: post.editedAt });
    return post;
  }

  private async removeIn(trx: Transaction, id: string, counted: readonly string[]): Promise<void> {
    const { publisher, events } = this.dependencies;
    const posts = new PostsRepository(trx);
    const row = (await posts.lock([id, ...counted])).get(id);
    if (!row) throw postsErrors.notFound();
    const deletedAt = await posts.markDeleted(id);
    if (!deletedAt) return;
    if (row.reply_to !== null) await posts.count({ id: row.reply_to, replies: -1, quotes: 0 });
    if (row.quote_of !== null) await posts.count({ id: row.quote_of, replies: 0, quotes: -1 });
    await publisher.publish(trx, postDeleted, {
      key: row.author_id,
      payload: { postId: id, authorId: row.author_id, deletedAt: deletedAt.toISOString() },
    });
    trx.onCommit(() => events.postDeleted(id));
  }
}

const isSameMedia = (some: readonly PostMedia[], others: readonly PostMedia[]) =>
  some.length === others.length && some.every(({ id }, index) => id === others[index]?.id);

function parentsOf({ reply_to, quote_of }: PostRow): string[] {
  return [...new Set([reply_to, quote_of])].filter((id) => id !== null);
}
