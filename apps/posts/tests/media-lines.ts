import { byStatus, inList, withoutTombstones, type RouteLine } from './visibility-lines';

/** Every scene's post has a picture, by the same id. */
export const mediaLines: Record<string, RouteLine> = {
  'GET /api/v1/posts/media/:id': {
    look: async (viewer, { postId }) =>
      byStatus(await viewer.send('GET', `/api/v1/posts/media/${postId}`, { redirect: 'manual' })),
  },
  'GET /api/v1/posts/media?ids=': {
    look: async (viewer, scene) => inList(await viewer.get(`/api/v1/posts/media?ids=${scene.postId}`), scene),
    differs: withoutTombstones,
  },
  'PATCH /api/v1/posts/media/:id': {
    look: async (viewer, { postId }) =>
      byStatus(await viewer.write('PATCH', `/api/v1/posts/media/${postId}`, { alt: 'The same to all' })),
    // Its owner's, whoever may see it.
    differs: (seen, who) => (who === 'author' ? seen : 'absent'),
  },
};
