/** A connection that somebody took and has not given back for very long: most likely forgotten. */
export interface Leak {
  seconds: number;
  /** Where it was taken. */
  stack: string;
}

/** Taken until it is given back. */
export interface Loan {
  since: number;
  /** Rendered only when it is looked at, which costs a hundred times as much as taking note. */
  readonly trace: { stack?: string };
  reported: boolean;
}

/** Knows of each connection that is lent for more than one statement where it was taken. */
export class LoanWatch {
  private readonly loans = new Set<Loan>();

  constructor(
    private readonly limitMs: number,
    private readonly onLeak: ((leak: Leak) => void) | undefined,
  ) {}

  /** `taker` is left out of the stack, with all that it calls. */
  begin(now: number, taker: (...args: never[]) => unknown): Loan {
    const trace: { stack?: string } = {};
    Error.captureStackTrace(trace, taker);
    const loan = { since: now, trace, reported: false };
    this.loans.add(loan);
    return loan;
  }

  end(loan: Loan): void {
    this.loans.delete(loan);
  }

  check(now: number): void {
    for (const loan of this.loans) {
      if (loan.reported || now - loan.since < this.limitMs) continue;
      loan.reported = true;
      this.onLeak?.({ seconds: (now - loan.since) / 1000, stack: withoutHead(loan.trace.stack ?? '') });
    }
  }
}

/** V8 heads a stack with the name of the error, which here is none. */
function withoutHead(stack: string): string {
  return stack.replace(/^.*\n/, '');
}
