import type { RateLimits } from '@rostrum/data-access';
import type { AppError } from '@rostrum/errors';
import { Admission, type Judge } from './admission';
import { KnownCallers } from './known-callers';
import { limitProblem } from './limit-problem';
import type { LimitPolicy, PolicyName } from './limit-policy';
import { LocalWindows } from './local-windows';

/** Why a request was refused: it was over the limit, or over what this process may admit without Redis. */
export type RejectionReason = 'limit' | 'limiter_unavailable';

export interface LimiterParts {
  shared: Pick<RateLimits, 'ask' | 'count' | 'available'>;
  onRejected?: (policy: PolicyName, reason: RejectionReason) => void;
}

/** Decides on requests: by what it knows, else by Redis, else, where Redis does not answer, by itself. */
export class Limiter implements Judge {
  private readonly shared: LimiterParts['shared'];
  private readonly onRejected: LimiterParts['onRejected'];
  private readonly windows = new LocalWindows();
  private readonly callers = new KnownCallers((key, { local }, counted) => {
    for (let i = 0; i < counted; i += 1) this.windows.note(key, local);
  });

  constructor({ shared, onRejected }: LimiterParts) {
    this.shared = shared;
    this.onRejected = onRejected;
  }

  /** Counts one request of the caller. The admission is settled already, or will be within the limiter's patience. */
  admit(policy: LimitPolicy, caller: string): Admission {
    const admission = new Admission(policy, caller, this);
    const known = this.callers.get(admission.key);
    if (known) {
      const now = performance.now();
      if (known.isRefused(now)) {
        admission.decide(-1, known.resetMs(now));
        admission.settle(this.refuse(admission, 'limit'));
        return admission;
      }
      if (known.isFarFromLimit(policy, now) && this.shared.available) {
        if (known.admit()) this.shared.count(known);
        admission.decide(known.left, known.resetMs(now));
        admission.settle(undefined);
        return admission;
      }
    }
    if (!this.shared.ask(policy.shared, caller, admission)) admission.settle(this.decideLocally(admission));
    return admission;
  }

  judged(admission: Admission): AppError | undefined {
    const { policy, key, remaining } = admission;
    this.callers.hear(admission, performance.now());
    if (remaining < 0) return this.refuse(admission, 'limit');
    if (policy.strict) this.windows.note(key, policy.local);
    return undefined;
  }

  decideLocally(admission: Admission): AppError | undefined {
    // It may have been admitted while Redis was already asked of this one.
    this.callers.get(admission.key)?.loseUncounted();
    const { remaining, resetMs } = this.windows.take(admission.key, admission.policy.local);
    admission.decide(remaining, resetMs);
    return remaining < 0 ? this.refuse(admission, 'limiter_unavailable') : undefined;
  }

  private refuse({ policy, resetMs }: Admission, reason: RejectionReason): AppError {
    this.onRejected?.(policy.name, reason);
    return limitProblem(policy, resetMs);
  }
}
