import { Batch } from './batch';
import type { Frame } from './frame';
import type { Outbox } from './outbox';

export interface OutflowOptions {
  /** Told how many messages of a type have been sent. */
  onSent: (type: string, count: number) => void;
  /** How long what is sent soon after something else waits for more of its kind. */
  gatherMs?: number;
}

/** After so long the loop is left to others for a moment, though more sockets wait. */
const sliceMs = 10;
const looksAtClockEvery = 256;

/**
 * The one clock by which all sockets are written to. What is sent after a while of silence goes out at the end of the
 * tick; what follows within a few milliseconds is gathered, so that a burst costs each socket one write.
 */
export class Outflow {
  private waiting: Outbox[] = [];
  private isScheduled = false;
  private flushedAt = 0;
  /** The batch of each frame that a socket's queue has begun with since the last flush. */
  private readonly firsts = new Map<Frame, Batch>();
  private readonly used = new Set<Batch>();
  private begun: Batch | undefined;
  private taken: Batch | undefined;
  private countedType = '';
  private counted = 0;

  constructor(private readonly options: OutflowOptions) {}

  /** The batch of a queue that was empty. */
  begin(frame: Frame): Batch {
    // Nearly always the one that the socket before has asked for.
    if (this.begun?.frame === frame) return this.begun;
    this.schedule();
    let batch = this.firsts.get(frame);
    if (!batch) this.firsts.set(frame, (batch = new Batch(undefined, frame)));
    return (this.begun = batch);
  }

  /** The bytes of a batch. They are joined once for all sockets that ask within a flush. */
  take(batch: Batch): Buffer {
    if (batch !== this.taken) {
      this.schedule();
      this.used.add(batch);
      this.taken = batch;
    }
    return batch.bytes;
  }

  count({ type }: Frame): void {
    if (type === this.countedType) {
      this.counted += 1;
      return;
    }
    this.tellCount();
    this.countedType = type;
    this.counted = 1;
  }

  /** Has the queue written soon. Not to be called again before it has been. */
  add(outbox: Outbox): void {
    this.waiting.push(outbox);
    this.schedule();
  }

  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    const { gatherMs = 5 } = this.options;
    const wait = this.flushedAt + gatherMs - performance.now();
    if (wait <= 0) setImmediate(this.flush);
    else setTimeout(this.flush, wait);
  }

  private readonly flush = (): void => {
    const outboxes = this.waiting;
    this.waiting = [];
    const endsAt = performance.now() + sliceMs;
    let written = 0;
    for (const outbox of outboxes) {
      outbox.flush();
      written += 1;
      if (written % looksAtClockEvery === 0 && performance.now() > endsAt) break;
    }
    if (written < outboxes.length) {
      // Who has waited comes before who has come meanwhile.
      this.waiting = outboxes.slice(written).concat(this.waiting);
      setImmediate(this.flush);
      return;
    }
    this.finish();
  };

  private finish(): void {
    for (const batch of this.used) batch.forget();
    this.used.clear();
    this.firsts.clear();
    this.begun = undefined;
    this.taken = undefined;
    this.tellCount();
    this.flushedAt = performance.now();
    this.isScheduled = false;
    if (this.waiting.length > 0) this.schedule();
  }

  private tellCount(): void {
    if (this.counted > 0) this.options.onSent(this.countedType, this.counted);
    this.counted = 0;
  }
}
