/** For so long a token that has been exchanged gets the newest of its session: requests at the same time share one. */
export const graceMs = 10_000;

/** For so long, once, the token before the newest does: the answer that had the newest may never have arrived. */
export const spareMs = 60_000;

/** More exchanges than this within the grace are none of a client that means well. */
export const mostRotations = 32;

/** What is known of a session when one of its tokens is shown. Times are the database's, in milliseconds since 1970. */
export interface FamilyState {
  now: number;
  generation: number;
  /** When the newest generations were made, the newest last; those of more than the grace ago may be missing. */
  rotations: readonly number[];
  parentSpared: boolean;
}

export type RefreshVerdict =
  /** Exchange it. */
  | 'rotate'
  /** Give the newest token again. */
  | 'repeat'
  /** The same, and remember that it was done. */
  | 'spare'
  /** Somebody uses a token that another one has used: end the session. */
  | 'replayed'
  /** It is the newest one, but they come too fast. */
  | 'too many'
  /** We have never made it. */
  | 'unknown';

/** What is to be done about a token of a session that goes on. */
export function judgeRefresh(state: FamilyState, presented: number): RefreshVerdict {
  const { now, generation, rotations, parentSpared } = state;
  const behind = generation - presented;
  if (behind < 0) return 'unknown';
  if (behind === 0) return recentOf(state) >= mostRotations ? 'too many' : 'rotate';
  const exchangedAt = rotations[rotations.length - behind];
  if (exchangedAt === undefined) return 'replayed';
  const age = now - exchangedAt;
  if (age <= graceMs) return 'repeat';
  return behind === 1 && age <= spareMs && !parentSpared ? 'spare' : 'replayed';
}

function recentOf({ now, rotations }: FamilyState): number {
  return rotations.filter((at) => now - at <= graceMs).length;
}
