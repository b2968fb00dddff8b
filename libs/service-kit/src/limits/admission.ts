import type { AppError } from '@rostrum/errors';
import type { LimitAsker } from '@rostrum/data-access';
import { secondsUntil } from './limit-problem';
import type { LimitPolicy } from './limit-policy';

/** What an admission asks of the limiter that made it. */
export interface Judge {
  /** Redis has decided. The problem where the request is refused. */
  judged(admission: Admission): AppError | undefined;
  /** Redis has not answered: this process decides. */
  decideLocally(admission: Admission): AppError | undefined;
}

/** Somebody who wants to know of the verdict. Told once. */
export interface Waiting {
  onAdmitted(): void;
  onRefused(problem: AppError): void;
}

type State = 'pending' | 'admitted' | 'refused';

/**
 * One request before a limit. Nothing is allocated for waiting until somebody waits: by the time that an answer is
 * ready, the verdict, which came with the same packet of Redis, mostly is too.
 */
export class Admission implements LimitAsker {
  state: State = 'pending';
  remaining = 0;
  resetMs = 0;
  /** Of the caller under this policy, whichever quota it has. */
  readonly key: string;
  private problem: AppError | undefined;
  private waiting: Waiting | undefined;

  constructor(
    readonly policy: LimitPolicy,
    readonly caller: string,
    private readonly judge: Judge,
  ) {
    this.key = `${policy.name}:${caller}`;
  }

  onVerdict(remaining: number, resetMs: number): void {
    this.decide(remaining, resetMs);
    this.settle(this.judge.judged(this));
  }

  onSilence(): void {
    this.settle(this.judge.decideLocally(this));
  }

  decide(remaining: number, resetMs: number): void {
    this.remaining = remaining;
    this.resetMs = resetMs;
  }

  settle(problem: AppError | undefined): void {
    this.problem = problem;
    this.state = problem === undefined ? 'admitted' : 'refused';
    const { waiting } = this;
    this.waiting = undefined;
    if (problem === undefined) waiting?.onAdmitted();
    else waiting?.onRefused(problem);
  }

  /** Tells of the verdict when it comes, of a refusal also when it has come already. */
  tell(waiting: Waiting): void {
    if (this.problem) waiting.onRefused(this.problem);
    else if (this.state === 'pending') this.waiting = waiting;
  }

  /** Goes on with the work once it is admitted; rejects with the problem where it is refused. */
  async before<T>(work: () => T | Promise<T>): Promise<T> {
    if (this.state === 'pending') {
      await new Promise<void>((resolve) => this.tell({ onAdmitted: resolve, onRefused: () => resolve() }));
    }
    if (this.problem) throw this.problem;
    return work();
  }

  /** Resolves when it is known whether it is admitted. */
  async settled(): Promise<this> {
    await this.before(nothing).catch(nothing);
    return this;
  }

  /** Both families of headers, each with the end of a line before it, as they stand in a head. */
  headerLines(): string {
    if (this.state === 'pending') return '';
    const { policy } = this;
    const remaining = this.remaining < 0 ? 0 : this.remaining;
    const seconds = secondsUntil(this.resetMs);
    const reset = Math.ceil((Date.now() + this.resetMs) / 1000);
    return `${policy.headerStart}${remaining}\r\nX-RateLimit-Reset: ${reset}${policy.itemStart}${remaining};t=${seconds}`;
  }

  /** The same as a flat list of names and values. */
  headerList(): string[] {
    return this.headerLines()
      .split('\r\n')
      .filter((line) => line !== '')
      .flatMap((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon), line.slice(colon + 2)];
      });
  }
}

function nothing(): void {
  return undefined;
}
