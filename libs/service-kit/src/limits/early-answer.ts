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

  protected abstract produce(): Answer | Promise<Answer>;
  protected abstract send(answer: Answer): void;
  protected abstract fail(error: unknown): void;
  protected abstract abort(problem: AppError): void;

  /** Never rejects. */
  async begin(): Promise<void> {
    this.admission.tell(this);
    if (this.isOver()) return;
    try {
      this.answer = await this.produce();
      if (!this.isOver()) this.state = 'answered';
    } catch (error) {
      this.error = error;
      if (!this.isOver()) this.state = 'failed';
    }
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
