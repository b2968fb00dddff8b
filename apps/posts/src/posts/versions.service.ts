import type { PostVersion } from '@rostrum/contracts';
import { createCursorCodec } from '@rostrum/security';
import type { PostReader } from '../visibility/post-reader';
import { toFacetBody, toMediaBody } from './post';
import type { VersionRow, VersionsRepository } from './versions.repository';

export interface ListRequest {
  cursor: string | undefined;
  limit: number;
  signal: AbortSignal;
}

/** Above every version. */
const newest = 2_147_483_647;

export class VersionsService {
  constructor(
    private readonly versions: Pick<VersionsRepository, 'list'>,
    private readonly reader: Pick<PostReader, 'readOne'>,
    private readonly cursorSecret: string,
  ) {}

  /** Whoever may see a post may see what it has said. */
  async list(
    viewerId: string,
    postId: string,
    { cursor, limit, signal }: ListRequest,
  ): Promise<{ items: PostVersion[]; nextCursor: string | null }> {
    const cursors = createCursorCodec<number>(this.cursorSecret, `versions:${postId}`);
    const before = cursor === undefined ? newest : cursors.decode(cursor);
    await this.reader.readOne(viewerId, postId, { signal: () => signal });
    const rows = await this.versions.list(postId, { before, limit: limit + 1 }, { signal });
    const items = rows.slice(0, limit).map(toBody);
    const last = items.at(-1);
    return { items, nextCursor: rows.length > limit && last ? cursors.encode(last.version) : null };
  }

  /** The newest ones, for who may see the post whatever it is. */
  async newest(postId: string, limit: number, signal: AbortSignal): Promise<PostVersion[]> {
    return (await this.versions.list(postId, { before: newest, limit }, { signal })).map(toBody);
  }
}

function toBody({ version, text, facets, media, written_at }: VersionRow): PostVersion {
  return {
    version,
    text,
    facets: facets.map(toFacetBody),
    media: media.map(toMediaBody),
    writtenAt: written_at.toISOString(),
  };
}
