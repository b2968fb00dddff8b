import { abortActions } from '../pool/abort-actions';

interface Caller {
  reject: (error: unknown) => void;
  signal: AbortSignal | undefined;
}

/** The callers of one statement: each may go away by themselves, and when all have, so does the statement. */
export class CallerSignals {
  /** For the statement. */
  readonly options: { signal: AbortSignal } | undefined;
  private readonly listening: { actions: Set<() => void>; leave: () => void }[] = [];
  private present: number;

  constructor(callers: readonly Caller[]) {
    this.present = callers.length;
    // Somebody who cannot go away keeps the statement alive: then it need not be able to end.
    const all = callers.every(({ signal }) => signal !== undefined) ? new AbortController() : undefined;
    this.options = all && { signal: all.signal };
    for (const { signal, reject } of callers) if (signal) this.hear(signal, reject, all);
  }

  close(): void {
    for (const { actions, leave } of this.listening) actions.delete(leave);
  }

  private hear(signal: AbortSignal, reject: Caller['reject'], all: AbortController | undefined): void {
    const leave = () => {
      reject(signal.reason);
      this.present -= 1;
      if (this.present === 0) all?.abort(signal.reason);
    };
    if (signal.aborted) return leave();
    const actions = abortActions(signal);
    actions.add(leave);
    this.listening.push({ actions, leave });
  }
}
