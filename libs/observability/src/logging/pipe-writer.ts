import { fstatSync, writeSync } from 'node:fs';
import type { ChunkWriter, WriteDone } from './chunk-writer';

const RETRY_MIN_MS = 1;
const RETRY_MAX_MS = 50;
const PAUSE_MS = 5;

const nothing = Buffer.alloc(0);
const pauseCell = new Int32Array(new SharedArrayBuffer(4));

/** Whether an error says "not now" and not "never". */
function isTemporary(error: unknown): boolean {
  const code: unknown =
    typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return code === 'EAGAIN' || code === 'EBUSY' || code === 'EINTR';
}

/**
 * Standard output as pipe, socket or terminal. The descriptor is switched to non-blocking and written to directly: a
 * reader that stalls costs a refused write, tried again later. Written to from the thread pool, as files are, a full
 * pipe would hold a thread, and the process could not even exit: it waits for its threads.
 */
export class PipeWriter implements ChunkWriter {
  busy = false;
  private rest: Buffer = nothing;
  private done: WriteDone | undefined;
  private timer: NodeJS.Timeout | undefined;
  private retryMs = RETRY_MIN_MS;

  constructor(private readonly fd: 1 | 2) {
    const stat = fstatSync(fd);
    // These getters open the descriptor as a stream, and that is what makes it non-blocking.
    if (stat.isFIFO() || stat.isSocket()) void (fd === 1 ? process.stdout : process.stderr);
  }

  write(chunk: Buffer, done: WriteDone): void {
    this.busy = true;
    this.rest = chunk;
    this.done = done;
    this.push();
  }

  finishSync(more: Buffer, deadline: number, done: WriteDone): boolean {
    clearTimeout(this.timer);
    if (more.length > 0) this.rest = Buffer.concat([this.rest, more]);
    this.busy = false;
    this.done = undefined;
    while (!this.tryWrite()) {
      if (Date.now() >= deadline) {
        this.busy = true;
        this.done = done;
        this.push();
        return false;
      }
      Atomics.wait(pauseCell, 0, 0, PAUSE_MS);
    }
    return true;
  }

  close(): Promise<void> {
    clearTimeout(this.timer);
    return Promise.resolve(); // standard output is not ours to close
  }

  private readonly push = (): void => {
    try {
      if (this.tryWrite()) this.finish();
      else {
        this.timer = setTimeout(this.push, this.retryMs).unref();
        this.retryMs = Math.min(this.retryMs * 2, RETRY_MAX_MS);
      }
    } catch (error) {
      this.finish(error);
    }
  };

  /** Writes as much as fits; false if something is left. */
  private tryWrite(): boolean {
    try {
      while (this.rest.length > 0) {
        this.rest = this.rest.subarray(writeSync(this.fd, this.rest));
        this.retryMs = RETRY_MIN_MS;
      }
      return true;
    } catch (error) {
      if (isTemporary(error)) return false;
      this.rest = nothing;
      throw error;
    }
  }

  private finish(error?: unknown): void {
    const { done } = this;
    this.busy = false;
    this.done = undefined;
    this.rest = nothing;
    done?.(error);
  }
}
