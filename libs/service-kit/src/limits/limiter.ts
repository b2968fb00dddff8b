import type { RateLimits } from '@rostrum/data-access';
import type { AppError } from '@rostrum/errors';
import { Admission, type Judge } from './admission';
import { limitProblem } from './limit-problem';
import type { LimitPolicy, PolicyName } from './limit-policy';
import { LocalWindows } from './local-windows';
import { Refusals } from './refusals';

/** Why a request was refused: it was over the limit, or over what this process may admit without Redis. */
export type RejectionReason = 'limit' | 'limiter_unavailable';

export interface LimiterParts {
  shared: Pick<RateLimits, 'ask'>;
  onRejected?: (policy: PolicyName, reason: RejectionReason) => void;
}

/** Decides on requests: by what it remembers, else by Redis, else, where Redis does not answer, by itself. */
export class Limiter implements Judge {
  private readonly shared: LimiterParts['shared'];
  private readonly onRejected: LimiterParts['onRejected'];
  private readonly refusals = new Refusals();
  private readonly windows = new LocalWindows();

  constructor({ shared, onRejected }: LimiterParts) {
    this.shared = shared;
    this.onRejected = onRejected;
  }

  /** Counts one request of the caller. The admission is settled already, or will be within the limiter's patience. */
  admit(policy: LimitPolicy, caller: string): Admission {
    const key = `${policy.name}:${caller}`;
    const admission = new Admission(policy, key, this);
    const refusedMs = this.refusals.remainingMs(key);
    if (refusedMs > 0) {
      admission.remaining = -1;
      admission.resetMs = refusedMs;
      admission.settle(this.refuse(admission, 'limit'));
    } else if (!this.shared.ask(policy.shared, caller, admission)) {
      admission.settle(this.decideLocally(admission));
    }
    return admission;
  }

  judged(admission: Admission): AppError | undefined {
    const { policy, key, remaining, resetMs } = admission;
    // Also after the last one that is admitted: the next one is refused, which need not be asked.
    if (remaining <= 0) this.refusals.remember(key, resetMs);
    if (remaining < 0) return this.refuse(admission, 'limit');
    if (policy.strict) this.windows.note(key, policy.local);
    return undefined;
  }

  decideLocally(admission: Admission): AppError | undefined {
    const { remaining, resetMs } = this.windows.take(admission.key, admission.policy.local);
    admission.remaining = remaining;
    admission.resetMs = resetMs;
    return remaining < 0 ? this.refuse(admission, 'limiter_unavailable') : undefined;
  }

  private refuse({ policy, resetMs }: Admission, reason: RejectionReason): AppError {
    this.onRejected?.(policy.name, reason);
    return limitProblem(policy, resetMs);
  }
}
