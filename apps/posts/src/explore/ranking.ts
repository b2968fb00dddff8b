import type { TrendingTag } from '@rostrum/contracts';

/** What is explored at one moment. */
export interface Ranking {
  id: string;
  postIds: readonly string[];
  tags: TrendingTag[];
}

export const dayMs = 24 * 60 * 60 * 1_000;

/** Above every id. */
export const afterAll = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** Below every id that is made at this time or later: ids of posts begin with their time. */
export function firstIdAt(time: number): string {
  const hex = time.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}
