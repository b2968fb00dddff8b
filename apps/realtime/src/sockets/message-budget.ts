export interface MessageRate {
  perSecond: number;
  burst: number;
}

/** A token bucket: what a connection may still send. It is filled when it is looked at, so it needs no timer. */
export class MessageBudget {
  private left: number;

  constructor(
    private readonly rate: MessageRate,
    private filledAt: number,
  ) {
    this.left = rate.burst;
  }

  /** Takes one message out of the budget; false when there is none left. `now` is in milliseconds. */
  take(now: number): boolean {
    const { perSecond, burst } = this.rate;
    this.left = Math.min(burst, this.left + ((now - this.filledAt) * perSecond) / 1000);
    this.filledAt = now;
    if (this.left < 1) return false;
    this.left -= 1;
    return true;
  }
}
