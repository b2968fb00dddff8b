/** The post that every compared server answers: about 600 bytes of JSON. */
export const answer = {
  id: '0190b5a0-0000-7000-8000-000000000000',
  author: { id: '0190b5a0-0000-7000-8000-000000000001', username: 'ada' },
  text: 'The Analytical Engine weaves algebraic patterns just as the Jacquard loom weaves flowers and leaves. '
    .repeat(3)
    .slice(0, 260),
  facets: [],
  media: [],
  visibility: 'public' as const,
  replyTo: null,
  rootId: null,
  quoteOf: null,
  createdAt: '2026-11-20T12:00:00.000Z',
  editedAt: null,
  version: 1,
  counts: { likes: 12, reposts: 3, replies: 4, quotes: 0 },
};
