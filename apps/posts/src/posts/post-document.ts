import { postVisibility } from '@rostrum/contracts';
import { entityTag } from '@rostrum/service-kit';
import type { PostFacts } from '../visibility/decide';
import { toPostBody, type Post } from './post';
import { toFacts, toPost, type PostRow } from './post-row';

/** Raised when the JSON of a post changes its shape, so that neither clients nor caches keep an old one for the new. */
export const postShape = 2;

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

const visibilities = postVisibility.options;
const hiddenBit = 4;
const deletedBit = 8;
const idLength = 36;
const authorAt = 1;
const mentionedAt = authorAt + idLength;
/** No text has room for more names than that. */
const mostMentioned = 255;
const nobody: readonly string[] = [];

/**
 * How a document stands in the cache: a byte for visibility, hidden and deleted; the author's id; a byte for how many
 * are mentioned, and their ids; a byte for the length of the ETag, and the ETag; the body as it is sent.
 */
export function packPost({ facts, etag, body, bytes }: PostDocument): Buffer {
  const flags =
    visibilities.indexOf(facts.visibility) |
    (facts.hidden ? hiddenBit : 0) |
    (facts.deleted ? deletedBit : 0);
  const mentioned = facts.mentioned.slice(0, mostMentioned);
  const etagAt = mentionedAt + 1 + mentioned.length * idLength;
  const bodyAt = etagAt + 1 + etag.length;
  const packed = Buffer.allocUnsafe(bodyAt + bytes);
  packed[0] = flags;
  packed.write(facts.authorId, authorAt, 'latin1');
  packed[mentionedAt] = mentioned.length;
  packed.write(mentioned.join(''), mentionedAt + 1, 'latin1');
  packed[etagAt] = etag.length;
  packed.write(etag, etagAt + 1, 'latin1');
  packed.write(body, bodyAt);
  return packed;
}

export function unpackPost(packed: Buffer): PostDocument {
  const flags = packed[0] ?? 0;
  const named = packed[mentionedAt] ?? 0;
  const etagAt = mentionedAt + 1 + named * idLength;
  const bodyAt = etagAt + 1 + (packed[etagAt] ?? 0);
  return {
    facts: {
      authorId: packed.toString('latin1', authorAt, mentionedAt),
      visibility: visibilities[flags & 3] ?? 'mentioned',
      hidden: (flags & hiddenBit) !== 0,
      deleted: (flags & deletedBit) !== 0,
      mentioned: named === 0 ? nobody : idsIn(packed, named),
    },
    etag: packed.toString('latin1', etagAt + 1, bodyAt),
    body: packed.toString('utf8', bodyAt),
    bytes: packed.length - bodyAt,
  };
}

function idsIn(packed: Buffer, count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const at = mentionedAt + 1 + index * idLength;
    return packed.toString('latin1', at, at + idLength);
  });
}

/** Of what has been read from PostgreSQL. */
export function documentOf(row: PostRow): PostDocument {
  const facts = toFacts(row);
  if (facts.deleted) {
    const body = JSON.stringify({ id: row.id, deleted: true });
    return documentWith(facts, entityTag(`${postShape}.${row.version}.deleted`), body);
  }
  const post = toPost(row);
  return documentWith(facts, postEtag(post), JSON.stringify(toPostBody(post)));
}

function documentWith(facts: PostFacts, etag: string, body: string): PostDocument {
  return { facts, etag, body, bytes: Buffer.byteLength(body) };
}
