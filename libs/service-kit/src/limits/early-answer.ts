import type { AppError } from '@rostrum/errors';
import type { Admission, Waiting } from './admission';

/**
 * Work that is begun before its request is admitted; what comes of it, an answer or an error, is held back until then.
 * Where the request is refused, that is told at once, the work is aborted, and nobody hears of its end.
 *
 * One object and no closures: what a handful of closures and a promise held in common let a third of all garbage
 * survive the quick collections.
 */
export abstract class EarlyAnswer<Answer> implements Waiting {
  private state: 'working' | 'answered' | 'failed' | 'over' = 'working';
  private answer: Answer | undefined;
  private error: unknown;

  constructor(private readonly admission: Admission) {}

  /** Does the work, and calls `onAnswer` or `onError` once, now or later. May throw instead. */
  protected abstract work(): void;
  protected abstract send(answer: Answer): void;
  protected abstract fail(error: unknown): void;
  protected abstract abort(problem: AppError): void;

  begin(): void {
    this.admission.tell(this);
    if (this.isOver()) return;
    try {
      this.work();
    } catch (error) {
      this.onError(error);
    }
  }

  protected onAnswer(answer: Answer): void {
    if (this.isOver()) return;
    this.answer = answer;
    this.state = 'answered';
    if (this.admission.state === 'admitted') this.end();
  }

  protected onError(error: unknown): void {
    if (this.isOver()) return;
    this.error = error;
    this.state = 'failed';
    if (this.admission.state === 'admitted') this.end();
  }

  onAdmitted(): void {
    if (this.state !== 'working') this.end();
  }

  onRefused(problem: AppError): void {
    this.state = 'over';
    this.abort(problem);
    this.fail(problem);
  }

  /** Runs among the verdicts of other requests, to which a failure of this one is nothing. */
  private end(): void {
    const { state } = this;
    if (state === 'over') return;
    this.state = 'over';
    if (state === 'failed') {
      this.fail(this.error);
      return;
    }
    try {
      this.send(this.answer as Answer);
    } catch (error) {
      this.fail(error);
    }
  }

  private isOver(): boolean {
    return this.state === 'over';
  }
}
