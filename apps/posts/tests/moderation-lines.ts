import type { Answer, Caller, PostsApp } from './posts-app';
import { byStatus, withoutTombstones, type RouteLine } from './visibility-lines';
import { kinds, type KindName, type Scene, type Seen, type Viewer } from './visibility-scenes';

const isDeleted = (kind: KindName) => 'deleted_at' in ((kinds[kind] as { post?: object }).post ?? {});

/** Authors see their own posts here also while these are hidden, and nobody else does. */
const onlyAuthor = (_seen: Seen, who: Viewer, kind: KindName): Seen => {
  if (who !== 'author') return 'absent';
  return isDeleted(kind) ? 'tombstone' : 'shown';
};

/** A moderator sees everything but their own, however they and the author are to each other. */
const asModerator =
  (app: () => PostsApp) =>
  (
    look: (moderator: Caller, scene: Scene) => Promise<Answer>,
    seenIn: (answer: Answer, scene: Scene) => Seen = byStatus,
  ): RouteLine['look'] =>
  async (viewer, scene) => {
    const answer = await look(await app().moderator(viewer), scene);
    return answer.json?.code === 'OWN_POST' ? 'absent' : seenIn(answer, scene);
  };

const allButOwn = (_seen: Seen, who: Viewer, kind: KindName): Seen => {
  if (who === 'author') return 'absent';
  return isDeleted(kind) ? 'tombstone' : 'shown';
};

/** The lines of moderation in the matrix of what is seen. */
export function moderationLines(app: () => PostsApp): Record<string, RouteLine> {
  const moderators = asModerator(app);
  return {
    'POST /api/v1/posts/:id/reports': {
      // Nobody reports their own, which is there all the same.
      look: async (viewer, { postId }) =>
        byStatus(await viewer.write('POST', `/api/v1/posts/${postId}/reports`, { reason: 'spam' })),
    },
    'GET /api/v1/posts/:id/moderation': {
      look: async (viewer, { postId }) => byStatus(await viewer.get(`/api/v1/posts/${postId}/moderation`)),
      differs: onlyAuthor,
    },
    'POST /api/v1/posts/:id/appeals': {
      // No moderator has hidden it: there is nothing to appeal against, but the post.
      look: async (viewer, { postId }) =>
        byStatus(await viewer.write('POST', `/api/v1/posts/${postId}/appeals`, { text: 'Why?' })),
      differs: onlyAuthor,
    },
    'GET /api/v1/posts/moderation/queue': {
      look: moderators(
        (moderator) => moderator.get('/api/v1/posts/moderation/queue?limit=100'),
        ({ json }, { postId }) =>
          json.items.some(({ post }: { post: { id: string } }) => post.id === postId) ? 'shown' : 'absent',
      ),
      differs: (seen, who, kind) => withoutTombstones(allButOwn(seen, who, kind)),
    },
    'GET /api/v1/posts/moderation/posts/:id': {
      look: moderators(
        (moderator, { postId }) => moderator.get(`/api/v1/posts/moderation/posts/${postId}`),
        (answer) => (answer.json.post?.deleted ? 'tombstone' : byStatus(answer)),
      ),
      differs: allButOwn,
    },
    'POST /api/v1/posts/moderation/posts/:id/uphold': {
      look: moderators((moderator, { postId }) =>
        moderator.write('POST', `/api/v1/posts/moderation/posts/${postId}/uphold`, { reason: 'No appeal' }),
      ),
      differs: allButOwn,
    },
  };
}
