import { problems } from '@rostrum/errors';

/**
 * Keeps what falls back on the source from overrunning it: so many loads at a time, so many that wait for their turn,
 * and a 503 problem for the rest.
 */
export class LoadLimit {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly most: number,
    private readonly mostWaiting: number,
  ) {}

  /** What the load throws is the caller's, at once or later. */
  async run<T>(load: () => Promise<T>): Promise<T> {
    if (this.running >= this.most) await this.turn();
    else this.running += 1;
    try {
      return await load();
    } finally {
      // Whoever is next takes over the place.
      const next = this.waiting.shift();
      if (next) next();
      else this.running -= 1;
    }
  }

  private turn(): Promise<void> {
    if (this.waiting.length >= this.mostWaiting) throw problems.unavailable('cache', 1);
    return new Promise((resolve) => this.waiting.push(resolve));
  }
}
