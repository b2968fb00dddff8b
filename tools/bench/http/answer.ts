/** The post that every compared server answers: about 600 bytes of JSON. */
export const answer = {
  id: '0190b5a0-0000-7000-8000-000000000000',
  author: { id: '0190b5a0-0000-7000-8000-000000000001', username: 'ada' },
  text: 'The Analytical Engine weaves algebraic patterns just as the Jacquard loom weaves flowers and leaves. '
    .repeat(4)
    .trim(),
  createdAt: '2026-11-20T12:00:00.000Z',
  version: 1,
};
