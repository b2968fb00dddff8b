import type { HowToShow, PostReader } from '../visibility/post-reader';
import type { TagFound } from './search-engine';

/** Which tags are there for a viewer: those that a post has which they see. */
export class TagReader {
  constructor(private readonly reader: Pick<PostReader, 'show'>) {}

  async visible<T extends TagFound>(viewerId: string, tags: readonly T[], how: HowToShow): Promise<Set<T>> {
    const ids = [...new Set(tags.flatMap(({ postIds }) => postIds))];
    const shown = new Set((await this.reader.show(viewerId, ids, how)).map(({ id }) => id));
    return new Set(tags.filter(({ postIds }) => postIds.some((id) => shown.has(id))));
  }
}
