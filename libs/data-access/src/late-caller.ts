import { abortActions } from './abort-actions';

/** Asks for a caller's signal, which may have to be made for that. */
export type AskForSignal = () => AbortSignal;

const lateMs = 20;
let waiting: LateCaller[] = [];
let late: LateCaller[] = [];
let clock: NodeJS.Timeout | undefined;

/**
 * Somebody who waits, and may go away. That is noticed only where it takes long (20 to 40 ms): most of what is waited
 * for is over before, and to make a signal and to listen to it costs a fifth of a read that nobody goes away from.
 */
export class LateCaller {
  private actions: Set<() => void> | undefined;
  private isOver = false;

  constructor(
    private readonly ask: AskForSignal,
    private readonly onGone: (reason: Error) => void,
  ) {
    waiting.push(this);
    clock ??= setInterval(look, lateMs).unref();
  }

  /** Nobody waits any more: what happens to the signal is of no interest. */
  end(): void {
    this.isOver = true;
    this.actions?.delete(this.leave);
  }

  /** Called by the clock. */
  listen(): void {
    if (this.isOver) return;
    const signal = this.ask();
    if (signal.aborted) return this.leave();
    this.actions = abortActions(signal);
    this.actions.add(this.leave);
  }

  private readonly leave = (): void => {
    if (!this.isOver) this.onGone(this.ask().reason as Error);
  };
}

function look(): void {
  const due = late;
  late = waiting;
  waiting = [];
  for (const caller of due) caller.listen();
  if (late.length > 0) return;
  clearInterval(clock);
  clock = undefined;
}
