/**
 * Milliseconds during which this process was able to notice an answer. While its event loop stands still, or the whole
 * machine does, answers wait unread: without this, all that was under way would then count as late at once.
 */
export class PoolClock {
  now = 0;
  private readonly timer: NodeJS.Timeout;
  private lookedAt = performance.now();

  constructor(
    readonly tickMs: number,
    onTick: () => void,
  ) {
    const tick = () => {
      const at = performance.now();
      this.now += Math.min(at - this.lookedAt, 2 * tickMs + stallMs);
      this.lookedAt = at;
      onTick();
    };
    // Timers come before sockets in a turn of the event loop; what has arrived is heard before anything is judged.
    this.timer = setInterval(() => setImmediate(tick), tickMs);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }
}

/** Ordinary lateness counts in full, so that limits hold under load too. */
const stallMs = 100;
