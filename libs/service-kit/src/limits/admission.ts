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

/** Has a controller once somebody has asked for its signal. */
interface Abortable {
  abort?: AbortController | undefined;
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
  private problem: AppError | undefined;
  /** What is done when the verdict is there. */
  private onAdmitted: (() => void) | undefined;
  private onRefused: ((problem: AppError) => void) | undefined;
  private onFailed: ((error: unknown) => void) | undefined;
  /** What came of the work before the verdict did. */
  private held: (() => void) | undefined;

  constructor(
    readonly policy: LimitPolicy,
    readonly key: string,
    private readonly judge: Judge,
  ) {}

  onVerdict(remaining: number, resetMs: number): void {
    this.remaining = remaining;
    this.resetMs = resetMs;
    this.settle(this.judge.judged(this));
  }

  onSilence(): void {
    this.settle(this.judge.decideLocally(this));
  }

  settle(problem: AppError | undefined): void {
    this.problem = problem;
    if (problem === undefined) {
      this.state = 'admitted';
      if (this.held) this.doHeld(this.held);
      this.onAdmitted?.();
      return;
    }
    this.state = 'refused';
    this.onRefused?.(problem);
  }

  /** Goes on with the work once it is admitted; rejects with the problem where it is refused. */
  async before<T>(work: () => T | Promise<T>): Promise<T> {
    if (this.state === 'pending') {
      await new Promise<void>((resolve) => {
        this.onAdmitted = resolve;
        this.onRefused = () => resolve();
      });
    }
    if (this.problem) throw this.problem;
    return work();
  }

  /**
   * Begins the work at once and holds back what comes of it, an answer or an error, until it is admitted. Where it is
   * refused, that is told at once, the work is aborted, and nobody hears of its end.
   */
  meanwhile(work: () => void | Promise<void>, exchange: Abortable = {}): Promise<void> {
    if (this.problem) return Promise.reject(this.problem);
    return new Promise((resolve, reject) => {
      this.onFailed = reject;
      this.onRefused = (problem) => {
        exchange.abort?.abort(problem);
        reject(problem);
      };
      const fail = (error: unknown) => this.release(() => reject(error));
      const end = () => {
        if (this.state === 'admitted') resolve();
        else this.onAdmitted = resolve;
      };
      try {
        const working = work();
        if (working instanceof Promise) working.then(end, fail);
        else end();
      } catch (error) {
        fail(error);
      }
    });
  }

  /** Resolves when it is known whether it is admitted. */
  async settled(): Promise<this> {
    await this.before(nothing).catch(nothing);
    return this;
  }

  /** Does it now, or as soon as it is admitted, or never. */
  release(act: () => void): void {
    if (this.state === 'admitted') act();
    else if (this.state === 'pending') this.held = act;
  }

  /** Runs among the verdicts of other requests, to which a failure of this one is nothing. */
  private doHeld(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.onFailed?.(error);
    }
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
