import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

/** More than what is behind such answers takes where nothing else is going on, a hash included. */
const stepMs = 25;
/** Timers count whole milliseconds: without this, what is left of one would tell on which side of a step it began. */
const mostJitterUs = 10_000;

/**
 * Answers that must not tell what was found leave at even times: so many milliseconds after they were asked for, or
 * twice as many, and so on, and a little later by chance. What little less there is to do where there is no account does not show then; where much is
 * going on it is lost in that.
 */
export class EvenTime {
  private readonly begunAt = performance.now();

  /** Resolves at the next even time. */
  async next(): Promise<void> {
    const took = performance.now() - this.begunAt;
    const later = randomInt(mostJitterUs) / 1000;
    await delay(Math.ceil(took / stepMs) * stepMs - took + later);
  }
}

/** Settles as the work does, at an even time. */
export async function atEvenTime<T>(work: () => Promise<T>): Promise<T> {
  const time = new EvenTime();
  try {
    return await work();
  } finally {
    await time.next();
  }
}
