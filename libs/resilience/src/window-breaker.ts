import { CircuitState, type IBreaker } from 'cockatiel';

/** Opens when as many calls as stated have failed within a window of time, however many succeeded between them. */
export class WindowBreaker implements IBreaker {
  /** Of a clock that nobody sets. */
  private failedAt: number[] = [];

  constructor(
    private readonly failures: number,
    private readonly windowMs: number,
  ) {}

  get state(): unknown {
    return this.failedAt;
  }

  set state(value: unknown) {
    this.failedAt = Array.isArray(value) ? value.filter((time) => typeof time === 'number') : [];
  }

  success(state: CircuitState): void {
    // The trial after an outage went well: what failed before the outage says nothing any more.
    if (state === CircuitState.HalfOpen) this.clear();
  }

  failure(state: CircuitState): boolean {
    const now = performance.now();
    this.failedAt.push(now);
    if (this.failedAt.length > this.failures) this.failedAt.shift();
    const [first = now] = this.failedAt;
    if (state !== CircuitState.Closed) return false;
    return this.failedAt.length === this.failures && now - first <= this.windowMs;
  }

  clear(): void {
    this.failedAt = [];
  }
}
