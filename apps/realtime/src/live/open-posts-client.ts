import { openHttpClient, type Kit, type Resource } from '@rostrum/service-kit';
import { PostsClient } from './posts.client';

/** `whenOpen`: what this process does without posts. */
export function openPostsClient(
  kit: Kit,
  { postsUrl }: { postsUrl: string },
  whenOpen: string,
): { posts: PostsClient; resource: Resource } {
  const { client, resource } = openHttpClient(kit, {
    name: 'posts',
    whenOpen,
    origin: new URL(postsUrl).origin,
    probePath: '/healthz',
    bulkhead: { limit: 32, queue: 10_000 },
  });
  return { posts: new PostsClient(client, postsUrl), resource };
}
