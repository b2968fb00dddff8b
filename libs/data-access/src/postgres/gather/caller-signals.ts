import { abortActions } from '../../abort-actions';
import { LateCaller, type AskForSignal } from '../../late-caller';

export interface Caller {
  reject: (error: unknown) => void;
  signal: AbortSignal | undefined;
  lateSignal: AskForSignal | undefined;
}

/** The callers of one statement: each may go away by themselves, and when all have, so does the statement. */
export class CallerSignals {
  /** For the statement. */
  readonly options: { signal: AbortSignal } | undefined;
  private readonly all: AbortController | undefined;
  private readonly listening: { actions: Set<() => void>; leave: () => void }[] = [];
  private readonly late: LateCaller[] = [];
  private present: number;

  constructor(callers: readonly Caller[]) {
    this.present = callers.length;
    // Somebody who cannot go away keeps the statement alive: then it need not be able to end.
    const mayEnd = callers.every(({ signal, lateSignal }) => signal ?? lateSignal);
    this.all = mayEnd ? new AbortController() : undefined;
    this.options = this.all && { signal: this.all.signal };
    for (const { signal, lateSignal, reject } of callers) {
      if (signal) this.hear(signal, reject);
      else if (lateSignal) this.late.push(new LateCaller(lateSignal, (reason) => this.leave(reject, reason)));
    }
  }

  close(): void {
    for (const { actions, leave } of this.listening) actions.delete(leave);
    for (const caller of this.late) caller.end();
  }

  private hear(signal: AbortSignal, reject: Caller['reject']): void {
    const leave = () => this.leave(reject, signal.reason);
    if (signal.aborted) return leave();
    const actions = abortActions(signal);
    actions.add(leave);
    this.listening.push({ actions, leave });
  }

  private leave(reject: Caller['reject'], reason: unknown): void {
    reject(reason);
    this.present -= 1;
    if (this.present === 0) this.all?.abort(reason);
  }
}
