import { Batch } from './batch';
import type { Frame } from './frame';
import type { Outbox } from './outbox';

export interface OutflowOptions {
  /** Told how many messages of a type have been sent. */
  onSent: (type: string, count: number) => void;
  /** How long a socket that has been written to waits for more, so that it goes out in one write. */
  gatherMs?: number;
}

/** After so long the loop is left to others for a moment, though more sockets wait. */
const sliceMs = 10;
const looksAtClockEvery = 256;

/**
 * The one clock by which all sockets are written to. Time goes by in rounds of a few milliseconds: the first that a
 * socket is sent in a round goes out at once, what follows is gathered until the end of the round. A burst costs each
 * socket two writes.
 */
export class Outflow {
  /** A number for the present one. */
  round = 1;
  private waiting: Outbox[] = [];
  private isRunning = false;
  private writtenAtOnce = 0;
  private lateAt = 0;
  /** So much has been written at once in this round that others have to be let in. */
  private isLate = false;
  private hasGathered = false;
  /** The batch of each frame that a socket's queue has begun with since the round began. */
  private readonly firsts = new Map<Frame, Batch>();
  private readonly used = new Set<Batch>();
  private begun: Batch | undefined;
  private taken: Batch | undefined;
  private countedType = '';
  private counted = 0;

  constructor(private readonly options: OutflowOptions) {}

  /** Whether a socket that was last written to in that round may be written to at once. */
  admits(round: number): boolean {
    if (round === this.round || this.isLate) return false;
    this.run();
    this.writtenAtOnce += 1;
    if (this.writtenAtOnce % looksAtClockEvery === 0) this.isLate = performance.now() > this.lateAt;
    return true;
  }

  /** The batch of a queue that was empty. */
  begin(frame: Frame): Batch {
    // Nearly always the one that the socket before has asked for.
    if (this.begun?.frame === frame) return this.begun;
    this.run();
    let batch = this.firsts.get(frame);
    if (!batch) this.firsts.set(frame, (batch = new Batch(undefined, frame)));
    return (this.begun = batch);
  }

  /** The bytes of a batch. They are joined once for all sockets that ask within a round. */
  take(batch: Batch): Buffer {
    if (batch !== this.taken) {
      this.run();
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

  /** Has the queue written at the end of the round. Not to be called again before it has been. */
  add(outbox: Outbox): void {
    this.waiting.push(outbox);
    this.run();
  }

  private run(): void {
    if (this.isRunning) return;
    this.isRunning = true;
    this.lateAt = performance.now() + sliceMs;
    setTimeout(this.flush, this.options.gatherMs ?? 5);
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
    if (written > 0) this.hasGathered = true;
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
    // Those that have just been written to wait for as long as the others have.
    const goesOn = this.hasGathered || this.waiting.length > 0;
    this.round += 1;
    this.isRunning = false;
    this.isLate = false;
    this.hasGathered = false;
    if (goesOn) this.run();
  }

  private tellCount(): void {
    if (this.counted > 0) this.options.onSent(this.countedType, this.counted);
    this.counted = 0;
  }
}
