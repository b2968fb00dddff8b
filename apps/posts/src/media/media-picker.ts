import type { PostMedia } from '@rostrum/contracts';
import type { Transaction } from '@rostrum/data-access';
import type { Post } from '../posts/post';
import { toPostMedia } from './media';
import { mediaErrors } from './media.errors';
import { MediaRepository } from './media.repository';

interface PickOptions {
  /** The post that they may be in already. */
  postId?: string;
  signal?: (() => AbortSignal) | undefined;
}

/** Looks at the pictures that somebody wants to show. */
export class MediaPicker {
  constructor(private readonly media: Pick<MediaRepository, 'list'>) {}

  /** In the order of the ids; refuses all where one cannot be used. Whether they still can is seen by `claimMedia`. */
  async pick(
    ownerId: string,
    ids: readonly string[],
    { postId, signal }: PickOptions = {},
  ): Promise<readonly PostMedia[]> {
    if (ids.length === 0) return [];
    // Ids are the same in either case, keys are not.
    const wanted = ids.map((id) => id.toLowerCase());
    const found = await this.media.list(wanted, { signal: signal?.() });
    const usable = new Map(
      found
        .filter((each) => each.ownerId === ownerId && !each.isAvatar)
        .filter((each) => each.postId === null || each.postId === postId)
        .map((each) => [each.id, toPostMedia(each)]),
    );
    return wanted.map((id) => {
      const media = usable.get(id);
      if (!media) throw mediaErrors.notUsable();
      return media;
    });
  }
}

/**
 * Makes the post's pictures its own, in the transaction in which it comes or changes: one of many who try that is first.
 * Resolves to them as they are described by now.
 */
export async function claimMedia(
  trx: Transaction,
  { id, author, media }: Pick<Post, 'id' | 'author' | 'media'>,
): Promise<readonly PostMedia[]> {
  if (media.length === 0) return media;
  const ids = media.map((each) => each.id);
  const claimed = await new MediaRepository(trx).claim(author.id, id, ids);
  if (!claimed) throw mediaErrors.notUsable();
  return claimed.map(toPostMedia).sort((one, other) => ids.indexOf(one.id) - ids.indexOf(other.id));
}

/** A draft names them: they are not unused for as long as it does. */
export async function holdMedia(trx: Transaction, ownerId: string, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  if (!(await new MediaRepository(trx).touch(ownerId, ids))) throw mediaErrors.notUsable();
}

/** Makes it the picture of a profile, in place of the one before; the profile's row is locked by then. */
export async function useAsAvatar(trx: Transaction, ownerId: string, id: string | null): Promise<void> {
  const isUsable = await new MediaRepository(trx).makeAvatar(ownerId, id?.toLowerCase() ?? null);
  if (!isUsable) throw mediaErrors.notUsable();
}
