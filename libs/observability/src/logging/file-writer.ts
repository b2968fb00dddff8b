import { SonicBoom } from 'sonic-boom';
import type { ChunkWriter, WriteDone } from './chunk-writer';

const RETRY_MS = 500;
/** More than is ever handed over at once: sonic-boom then writes when it is told to, and not before. */
const ON_REQUEST = 1024 * 1024 * 1024;

/** sonic-boom in its mode for bytes, which its typings do not know. */
type ByteStream = Omit<SonicBoom, 'write'> & { write(bytes: Buffer): boolean };

/** Gives the descriptor to write to; asked before each chunk, so that files can rotate. */
export interface FileSource {
  /** A descriptor that replaces the one in use, or undefined while that is still right. */
  next(bytes: number): number | undefined;
}

/**
 * A file, written to by sonic-boom from the thread pool: a slow disk does not hold the event loop. What is under way
 * there is not waited for by `finishSync`; the end of the process does wait for it.
 */
export class FileWriter implements ChunkWriter {
  busy = false;
  private stream: ByteStream | undefined;
  private done: WriteDone | undefined;
  private retry: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(private readonly source: FileSource) {}

  write(chunk: Buffer, done: WriteDone): void {
    this.busy = true;
    this.done = done;
    const stream = this.current(chunk.length);
    stream.write(chunk);
    stream.flush();
  }

  finishSync(more: Buffer, _deadline: number, done: WriteDone): boolean {
    clearTimeout(this.retry);
    const stream = this.busy && this.stream ? this.stream : this.current(more.length);
    try {
      if (more.length > 0) stream.write(more);
      stream.flushSync();
      return true;
    } catch {
      this.busy = true;
      this.done = done;
      this.fail();
      return false;
    }
  }

  close(): Promise<void> {
    clearTimeout(this.retry);
    this.closed = true;
    const { stream } = this;
    if (!stream) return Promise.resolve();
    return new Promise((resolve) => {
      stream.once('close', resolve);
      if (this.busy)
        stream.destroy(); // the disk does not take the rest
      else stream.end();
    });
  }

  private current(bytes: number): ByteStream {
    const fd = this.source.next(bytes);
    if (fd === undefined && this.stream) return this.stream;
    this.stream?.end();
    const stream = new SonicBoom({
      fd: fd ?? 1,
      minLength: ON_REQUEST - 1,
      maxWrite: ON_REQUEST,
      contentMode: 'buffer',
      retryEAGAIN: () => false,
    }) as unknown as ByteStream;
    stream.on('drain', () => this.finish());
    stream.on('error', () => this.fail());
    this.stream = stream;
    return stream;
  }

  /** A disk that is full or away may come back; sonic-boom has kept what it could not write. */
  private fail(): void {
    clearTimeout(this.retry);
    if (this.closed) return;
    this.retry = setTimeout(() => this.stream?.flush(), RETRY_MS).unref();
  }

  private finish(): void {
    const { done } = this;
    this.busy = false;
    this.done = undefined;
    done?.();
  }
}
