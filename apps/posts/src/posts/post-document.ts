import { postVisibility, type PostVisibility } from '@rostrum/contracts';
import { entityTag } from '@rostrum/service-kit';
import type { PostFacts } from '../visibility/decide';
import type { Post } from './post';

/** Raised when the JSON of a post changes its shape, so that neither clients nor caches keep an old one for the new. */
export const postShape = 2;

/** Raised along with that, and when what stands in the cache is put together otherwise. */
export const packedShape = 3;

/** A post as it is sent to everybody who may see it, and what decides who that is. */
export interface PostDocument {
  facts: PostFacts;
  etag: string;
  /** JSON, as it is sent. */
  body: string;
  /** How many bytes the body has. */
  bytes: number;
}

/** Other counts are other bytes, so that they have a part in it. */
export function postEtag({ version, counts }: Pick<Post, 'version' | 'counts'>): string {
  const { likes, reposts, replies, quotes } = counts;
  return entityTag(`${postShape}.${version}.${likes}-${reposts}-${replies}-${quotes}`);
}

/** Whether an `If-Match` names this version, whatever the counts were: they are nobody's to edit. */
export function isSameVersion(ifMatch: string, version: number): boolean {
  return ifMatch.split(',').some((candidate) => {
    const tag = candidate.trim().replace(/^W\//, '');
    return tag === '*' || tag.startsWith(`"${postShape}.${version}.`);
  });
}

const visibilities: Record<number, PostVisibility | undefined> = {};
for (const visibility of postVisibility.options) visibilities[visibility.charCodeAt(0)] = visibility;
const hiddenMark = 'h'.charCodeAt(0);
const deletedMark = 'd'.charCodeAt(0);
const quote = '"'.charCodeAt(0);
const authorAt = 3;
const idLength = 36;
const mentionedAt = authorAt + idLength;
const nobody: readonly string[] = [];

/**
 * How a document stands in the cache: the first letter of its visibility; `h` if it is hidden, else `-`; `d` if it is
 * deleted, else `-`; the ids of its author and of those who are mentioned; the ETag; the body as it is sent.
 */
export function unpackPost(packed: Buffer): PostDocument {
  let etagAt = mentionedAt;
  while (etagAt < packed.length && packed[etagAt] !== quote) etagAt += idLength;
  const bodyAt = packed.indexOf(quote, etagAt + 1) + 1;
  return {
    facts: {
      authorId: packed.toString('latin1', authorAt, mentionedAt),
      visibility: visibilities[packed[0] ?? 0] ?? 'mentioned',
      hidden: packed[1] === hiddenMark,
      deleted: packed[2] === deletedMark,
      mentioned: etagAt === mentionedAt ? nobody : idsIn(packed.toString('latin1', mentionedAt, etagAt)),
    },
    etag: packed.toString('latin1', etagAt, bodyAt),
    body: packed.toString('utf8', bodyAt),
    bytes: packed.length - bodyAt,
  };
}

function idsIn(text: string): string[] {
  return Array.from({ length: text.length / idLength }, (_, index) =>
    text.slice(index * idLength, (index + 1) * idLength),
  );
}
