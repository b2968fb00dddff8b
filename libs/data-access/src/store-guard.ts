/** Stands before a store: turns calls away while it is down, and hears of those that it left unanswered. */
export interface StoreGuard {
  /** The error for a call that is not to be made now; undefined lets it through. Asked before every call. */
  refusal(): Error | undefined;
  /** The store failed a call that began at this time of `performance.now()`. Never told of a caller's own mistake. */
  failed(error: unknown, startedAt: number): void;
}
