/** The most bytes that one unit of a JavaScript string turns into. */
const UTF8_MAX = 3;

/**
 * Lines as bytes, one after another. A line of text is made of dozens of pieces that the engine keeps as a tree; it is
 * far cheaper to walk through it at once, while the pieces are in the cache, than for all lines of a chunk together.
 */
export class LineBuffer {
  length = 0;
  private bytes: Buffer;

  constructor(private readonly size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size);
  }

  append(text: string): void {
    this.reserve(text.length * UTF8_MAX);
    this.length += this.bytes.write(text, this.length);
  }

  /** What has been written, as a chunk of its own; writing goes on in `next`, or in new memory. */
  take(next: Buffer | undefined): Buffer {
    const chunk = this.bytes.subarray(0, this.length);
    this.bytes = next ?? Buffer.allocUnsafeSlow(this.size);
    this.length = 0;
    return chunk;
  }

  /** The memory of a chunk that is not needed any more, if it can be written to again. */
  reusable(chunk: Buffer): Buffer | undefined {
    return chunk.buffer.byteLength === this.size ? Buffer.from(chunk.buffer) : undefined;
  }

  private reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.length + more));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }
}
