export interface RetryBudgetOptions {
  /** Of so many calls one may be tried again, over time. */
  share?: number;
  /** Retries that may have been saved up. */
  most?: number;
  /** Retries that there are in any case, however few calls there are. */
  perSecond?: number;
}

/**
 * Retries help against faults that are rare. When everything fails they only multiply the load, so all of a process
 * share a budget that grows with the calls it makes.
 */
export class RetryBudget {
  private readonly share: number;
  private readonly most: number;
  private readonly perSecond: number;
  private left: number;
  private filledAt = performance.now();

  constructor({ share = 0.1, most = 20, perSecond = 1 }: RetryBudgetOptions = {}) {
    this.share = share;
    this.most = most;
    this.perSecond = perSecond;
    this.left = most;
  }

  noteCall(): void {
    this.left = Math.min(this.most, this.left + this.share);
  }

  /** Whether one more retry may be made; counts it. */
  take(): boolean {
    const now = performance.now();
    this.left = Math.min(this.most, this.left + ((now - this.filledAt) / 1000) * this.perSecond);
    this.filledAt = now;
    if (this.left < 1) return false;
    this.left -= 1;
    return true;
  }
}

/** The one that all databases of this process share unless they are given another. */
export const processRetryBudget = new RetryBudget();
