import type { ChunkWriter } from './chunk-writer';
import { LineBuffer } from './line-buffer';

/** Handing a chunk to the thread pool costs about as much as forty lines, so chunks are large. */
const CHUNK = 64 * 1024;
const FLUSH_MS = 50;
const MAX_WAITING = 8 * 1024 * 1024;
const FINISH_MS = 3000;

export interface LineSinkOptions {
  writer: ChunkWriter;
  /** How many bytes may wait for a slow output; more are dropped and counted. */
  maxWaiting?: number;
  /** How long `flushSync` and `close` wait for a slow reader. */
  finishMs?: number;
  /** Everything is about to be written out: the moment for lines that are still to be given. */
  onEnd?: () => void;
  /** The output keeps up again; so many lines were lost in between. */
  onRecovered?: (lost: number) => void;
}

/** A chunk is a little longer than CHUNK: it ends with the line that reaches it. */
const LAST_LINE = 4 * 1024;
const LINE_FEED = 0x0a;
const nothing = Buffer.alloc(0);

const openSinks = new Set<LineSink>();

function flushAll(): void {
  for (const sink of openSinks) sink.flushSync();
}

function countLines(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(LINE_FEED); at !== -1; at = bytes.indexOf(LINE_FEED, at + 1)) lines++;
  return lines;
}

/**
 * Gathers lines into chunks and writes one chunk at a time, so that a line costs a copy and not a system call.
 * It never blocks and never grows beyond its bound: what an output cannot take is dropped and counted.
 */
export class LineSink {
  private readonly current = new LineBuffer(CHUNK + LAST_LINE);
  private chunks: Buffer[] = [];
  /** Bytes in `chunks` and on their way. */
  private waiting = 0;
  private onItsWay: Buffer = nothing;
  /** Memory of a chunk that has been written, for the next one. */
  private spare: Buffer | undefined;
  private timer: NodeJS.Timeout | undefined;
  private state: 'open' | 'closing' | 'broken' = 'open';
  private pumping = false;
  private lost = 0;
  private reported = 0;
  private closed: Promise<void> | undefined;
  private whenEmpty: (() => void) | undefined;
  private readonly writer: ChunkWriter;
  private readonly maxWaiting: number;
  private readonly finishMs: number;

  constructor(private readonly options: LineSinkOptions) {
    this.writer = options.writer;
    this.maxWaiting = options.maxWaiting ?? MAX_WAITING;
    this.finishMs = options.finishMs ?? FINISH_MS;
    if (openSinks.size === 0) process.on('exit', flushAll);
    openSinks.add(this);
  }

  /** Takes a whole line, with its line feed. */
  write(line: string): void {
    const { current } = this;
    if (this.state !== 'open' || this.waiting + current.length > this.maxWaiting) {
      this.lost++;
      return;
    }
    current.append(line);
    if (current.length >= CHUNK) this.cut();
    else this.timer ??= setTimeout(this.onTimer, FLUSH_MS).unref();
  }

  /** Lines that were given and will never be written. */
  dropped(): number {
    return this.lost;
  }

  /** Writes what waits before it returns; for a reader that does not take it, it waits a bounded time. */
  flushSync(): void {
    this.finish(this.finishMs);
  }

  /** Writes everything out, ends the output and takes no more lines. */
  close(): Promise<void> {
    this.closed ??= this.finishAndClose();
    return this.closed;
  }

  private async finishAndClose(): Promise<void> {
    this.options.onEnd?.();
    if (this.state === 'open') this.state = 'closing';
    this.cut();
    if (this.waiting > 0 && this.state === 'closing') await this.emptied();
    this.finish(0);
    clearTimeout(this.timer);
    openSinks.delete(this);
    if (openSinks.size === 0) process.off('exit', flushAll);
    await this.writer.close();
  }

  private finish(withinMs: number): void {
    if (this.state === 'broken') return;
    this.options.onEnd?.();
    this.gather();
    if (this.waiting === 0) return;
    const more = Buffer.concat(this.chunks);
    this.chunks = [];
    try {
      const complete = this.writer.finishSync(more, Date.now() + withinMs, this.onDone);
      if (!complete) this.onItsWay = Buffer.concat([this.onItsWay, more]);
      else if (this.writer.busy) this.waiting -= more.length;
      else this.nothingWaits();
    } catch {
      this.break(Buffer.concat([this.onItsWay, more]));
    }
  }

  private readonly onTimer = (): void => {
    this.timer = undefined;
    this.cut();
  };

  private cut(): void {
    this.gather();
    this.pump();
  }

  /** Moves what is in `current` to the chunks. */
  private gather(): void {
    if (this.current.length === 0) return;
    this.waiting += this.current.length;
    this.chunks.push(this.current.take(this.spare));
    this.spare = undefined;
  }

  private pump(): void {
    if (this.pumping) return;
    this.pumping = true;
    while (!this.writer.busy && this.state !== 'broken') {
      const chunk = this.chunks.shift();
      if (chunk === undefined) break;
      this.onItsWay = chunk;
      this.send(chunk);
    }
    this.pumping = false;
    if (this.waiting === 0) this.whenEmpty?.();
    if (this.lost > this.reported && this.waiting < this.maxWaiting / 4) this.reportLoss();
  }

  private send(chunk: Buffer): void {
    try {
      this.writer.write(chunk, this.onDone);
    } catch (error) {
      this.onDone(error);
    }
  }

  private readonly onDone = (error?: unknown): void => {
    const written = this.onItsWay;
    this.onItsWay = nothing;
    if (error !== undefined) return this.break(written);
    this.waiting -= written.length;
    this.spare = this.current.reusable(written);
    this.pump();
  };

  private nothingWaits(): void {
    this.waiting = 0;
    this.onItsWay = nothing;
  }

  private reportLoss(): void {
    const lost = this.lost - this.reported;
    this.reported = this.lost;
    if (this.state === 'open') this.options.onRecovered?.(lost);
  }

  /** The reader has gone, or would not take the last lines. */
  private break(unwritten: Buffer): void {
    this.state = 'broken';
    this.gather();
    this.lost += countLines(Buffer.concat([unwritten, ...this.chunks]));
    this.chunks = [];
    this.nothingWaits();
    this.whenEmpty?.();
  }

  private emptied(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.finishMs);
      this.whenEmpty = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
