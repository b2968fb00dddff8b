import { entityTag } from '@rostrum/service-kit';
import { toPostBody, type Post } from './post';

/** Raised when the JSON of a post changes its shape, so that no client keeps an old one for the new. */
const shape = 1;

const openingBrace = '{'.charCodeAt(0);

/** A post as it is sent to clients. */
export interface PostDocument {
  etag: string;
  json: Buffer;
}

export function postEtag(version: number): string {
  return entityTag(`${shape}.${version}`);
}

/** The cached form: the ETag, then the JSON, so that a hit parses nothing and copies nothing. */
export function packPost(post: Post): string {
  return postEtag(post.version) + JSON.stringify(toPostBody(post));
}

export function unpackPost(packed: Buffer): PostDocument {
  const start = packed.indexOf(openingBrace);
  return { etag: packed.toString('latin1', 0, start), json: packed.subarray(start) };
}
