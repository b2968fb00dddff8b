export type WriteDone = (error?: unknown) => void;

/** Writes chunks of lines, one at a time. Made for `LineSink`, which waits for `done` before it gives the next. */
export interface ChunkWriter {
  /** Whether a chunk is under way. */
  readonly busy: boolean;
  /** Takes a chunk; `done` is called, perhaps before this returns, when it is written or, with the error, lost. */
  write(chunk: Buffer, done: WriteDone): void;
  /**
   * Writes the rest of the chunk under way and `more` before it returns. False: it could not within `deadline`, goes
   * on by itself, and calls `done` at the end. Throws if both are lost.
   */
  finishSync(more: Buffer, deadline: number, done: WriteDone): boolean;
  /** Ends the output, after the last chunk. */
  close(): Promise<void>;
}
