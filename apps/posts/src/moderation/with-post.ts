import type { PostDocument } from '../posts/post-document';

/** JSON of a post, which is JSON already, and of what stands beside it. */
export function withPost({ body }: Pick<PostDocument, 'body'>, rest: object): string {
  return `{"post":${body},${JSON.stringify(rest).slice(1)}`;
}
