/** How patient we are with wrong passwords. */
export interface AttemptLimits {
  /** So many failures cost nothing. */
  free: number;
  /** The first wait after them; each further failure doubles it. */
  firstDelayMs: number;
  /** A wait is never longer: nobody is shut out for good, least of all by a stranger. */
  longestDelayMs: number;
  /** After so long without a failure all is forgotten. */
  forgetMs: number;
}

/** What is known of the attempts at one account from one place. */
export interface AttemptState {
  failures: number;
  /** Attempts whose outcome is not known yet. */
  underWay: number;
  /** When the last one began, in milliseconds since 1970. */
  begunAt: number;
  /** Until then none may begin. */
  notBefore: number;
}

export type AttemptVerdict =
  | { allowed: true }
  /** `busy`: as many are under way as there may be failures, and one of them may yet turn out well. */
  | { allowed: false; because: 'delayed' | 'busy'; waitMs: number };

export type AttemptOutcome = 'succeeded' | 'failed' | 'abandoned';

/** An attempt that has not ended after so long never will: whoever made it is gone. */
export const attemptLimitMs = 30_000;

export const noAttempts: AttemptState = { failures: 0, underWay: 0, begunAt: 0, notBefore: 0 };

/**
 * Attempts count from their beginning, so that a thousand at once are not a thousand free ones; but what is under way
 * is no failure yet, so that many clients of one person who all know the password get in at the same time.
 */
export function beginAttempt(
  state: AttemptState,
  now: number,
  { free }: AttemptLimits,
): { verdict: AttemptVerdict; state: AttemptState } {
  if (now < state.notBefore)
    return { verdict: { allowed: false, because: 'delayed', waitMs: state.notBefore - now }, state };
  const underWay = now - state.begunAt >= attemptLimitMs ? 0 : state.underWay;
  if (underWay >= Math.max(1, free - state.failures))
    return { verdict: { allowed: false, because: 'busy', waitMs: 0 }, state };
  return { verdict: { allowed: true }, state: { ...state, underWay: underWay + 1, begunAt: now } };
}

export function endAttempt(
  state: AttemptState,
  { now, outcome }: { now: number; outcome: AttemptOutcome },
  limits: AttemptLimits,
): AttemptState {
  const underWay = Math.max(0, state.underWay - 1);
  if (outcome === 'abandoned') return { ...state, underWay };
  if (outcome === 'succeeded') return { ...state, underWay, failures: 0, notBefore: 0 };
  const failures = state.failures + 1;
  return {
    ...state,
    underWay,
    failures,
    notBefore: Math.max(state.notBefore, now + delayAfter(failures, limits)),
  };
}

function delayAfter(failures: number, { free, firstDelayMs, longestDelayMs }: AttemptLimits): number {
  return failures < free ? 0 : Math.min(longestDelayMs, firstDelayMs * 2 ** (failures - free));
}
