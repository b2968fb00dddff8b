import { entityTag } from '@rostrum/service-kit';
import { toPostBody, type Post } from './post';

/** Raised when the JSON of a post changes its shape, so that neither clients nor caches keep an old one for the new. */
export const postShape = 1;

export function postEtag(version: number): string {
  return entityTag(`${postShape}.${version}`);
}

/** A post as it is sent to clients. */
export function postDocument(post: Post): { etag: string; body: string } {
  return { etag: postEtag(post.version), body: JSON.stringify(toPostBody(post)) };
}
