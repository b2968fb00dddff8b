import type { MediaUrl } from '@rostrum/contracts';
import type { PeopleReader } from '../visibility/people-reader';
import type { HowToShow, PostReader } from '../visibility/post-reader';
import type { Media } from './media';
import { pictureKey } from './media';
import { mediaErrors } from './media.errors';
import type { MediaRepository } from './media.repository';
import type { ObjectStore } from './object-store';

export interface MediaReadingDependencies {
  media: Pick<MediaRepository, 'list'>;
  reader: Pick<PostReader, 'readOne' | 'show'>;
  people: Pick<PeopleReader, 'visible'>;
  store: Pick<ObjectStore, 'downloadUrl'>;
}

/** URLs change so often, and are good for at least as long. */
const turnMs = 5 * 60_000;
const goodForSeconds = (2 * turnMs) / 1_000;

const extensions = {
  'image/jpeg': 'jpg',
  'image/png': 'png',
  'image/webp': 'webp',
  'image/gif': 'gif',
} as const;

/**
 * Who may see a picture: whoever may see the post that it is in; whoever may see the person whose picture it is; while
 * it is neither, its owner.
 */
export class MediaReadingService {
  constructor(
    private readonly dependencies: MediaReadingDependencies,
    private readonly now: () => number = Date.now,
  ) {}

  async urlOf(viewerId: string, id: string, how: HowToShow): Promise<string> {
    const [media] = await this.dependencies.media.list([id], { signal: how.signal?.() });
    if (!media) throw mediaErrors.notFound();
    // What is said of the post is said of its pictures.
    if (media.postId !== null) await this.dependencies.reader.readOne(viewerId, media.postId, how);
    else if (!(await this.seenWithoutPost(viewerId, [media], how)).has(media.ownerId))
      throw mediaErrors.notFound();
    return (await this.sign(media)).url;
  }

  /** In the order of the ids; what the viewer does not see is left out. */
  async urlsOf(viewerId: string, ids: readonly string[], how: HowToShow): Promise<MediaUrl[]> {
    const { media, reader } = this.dependencies;
    const found = await media.list(ids, { signal: how.signal?.() });
    const postIds = new Set(found.map(({ postId }) => postId).filter((id) => id !== null));
    const loose = found.filter(({ postId }) => postId === null);
    const [posts, owners] = await Promise.all([
      reader.show(viewerId, [...postIds], how),
      this.seenWithoutPost(viewerId, loose, how),
    ]);
    const shown = new Set(posts.filter(({ isTombstone }) => !isTombstone).map(({ id }) => id));
    const seen = new Map(
      found
        .filter(({ postId, ownerId, isAvatar }) =>
          postId === null ? owners.has(ownerId) && (isAvatar || ownerId === viewerId) : shown.has(postId),
        )
        .map((each) => [each.id, each]),
    );
    return Promise.all(ids.flatMap((id) => seen.get(id) ?? []).map((each) => this.sign(each)));
  }

  /** The owners whose picture it is, if they are there for the viewer; and the viewer. */
  private async seenWithoutPost(
    viewerId: string,
    media: readonly Media[],
    how: HowToShow,
  ): Promise<Set<string>> {
    const others = media.filter(({ isAvatar, ownerId }) => isAvatar && ownerId !== viewerId);
    const ids = [...new Set(others.map(({ ownerId }) => ownerId))];
    const visible = ids.length === 0 ? [] : await this.dependencies.people.visible(viewerId, ids, how);
    return new Set([viewerId, ...visible]);
  }

  private async sign({ id, type }: Media): Promise<MediaUrl> {
    const from = new Date(Math.floor(this.now() / turnMs) * turnMs);
    const fileName = `${id}.${extensions[type]}`;
    const url = await this.dependencies.store.downloadUrl(pictureKey(id), {
      type,
      fileName,
      from,
      seconds: goodForSeconds,
    });
    const expiresAt = new Date(from.getTime() + goodForSeconds * 1_000).toISOString();
    return { id, url, expiresAt };
  }
}
