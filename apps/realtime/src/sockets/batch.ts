import type { Frame } from './frame';

/** What an entry costs beside its bytes, so that many tiny frames are bounded too. */
const overheadBytes = 64;

/**
 * Frames that wait to go out in one write: those before, and one more. Sockets that are sent the same frames in the same
 * order have the same batch, so that joining them is done once, and a thousand stalled subscribers of one channel keep
 * one copy of what they have missed.
 */
export class Batch {
  /** Of all frames, in bytes. */
  readonly length: number;
  /** Of all frames, as the memory that they take. */
  readonly size: number;
  private next: Batch | undefined;
  private joined: Buffer | undefined;

  constructor(
    readonly before: Batch | undefined,
    readonly frame: Frame,
  ) {
    this.length = (before?.length ?? 0) + frame.wire.length;
    this.size = (before?.size ?? 0) + sizeOf(frame);
  }

  /** The sockets of a channel come one after the other with the same frame, so the last one is remembered. */
  with(frame: Frame): Batch {
    if (this.next?.frame === frame) return this.next;
    return (this.next = new Batch(this, frame));
  }

  get bytes(): Buffer {
    return this.before ? (this.joined ??= join(this)) : this.frame.wire;
  }

  /** Frees what was only kept for other sockets with the same frames. */
  forget(): void {
    this.next = undefined;
    this.joined = undefined;
  }
}

function join(last: Batch): Buffer {
  const joined = Buffer.allocUnsafeSlow(last.length);
  let end = last.length;
  for (let batch: Batch | undefined = last; batch; batch = batch.before) {
    end -= batch.frame.wire.length;
    joined.set(batch.frame.wire, end);
  }
  return joined;
}

export function sizeOf({ wire }: Frame): number {
  return wire.length + overheadBytes;
}
