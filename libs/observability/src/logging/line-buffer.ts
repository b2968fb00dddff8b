const FIRST_PRINTABLE = 0x20;
const LAST_PRINTABLE = 0x7e;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ZERO = 0x30;
/** The most bytes that one unit of a JavaScript string turns into. */
const UTF8_MAX = 3;

/**
 * Lines as bytes, one after another. A line of text is made of dozens of pieces that the engine keeps as a tree, walks
 * through, copies and encodes; written as bytes a piece is copied once.
 */
export class LineBuffer {
  length = 0;
  private bytes: Buffer;

  constructor(private readonly size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size);
  }

  /** Any text. */
  text(text: string): void {
    this.reserve(text.length * UTF8_MAX);
    this.length += this.bytes.write(text, this.length);
  }

  /** What has been encoded before. */
  raw(piece: Uint8Array): void {
    this.reserve(piece.length);
    this.bytes.set(piece, this.length);
    this.length += piece.length;
  }

  /** A JSON string without its quotes; short and plain ones, such as ids, cost no call out of JavaScript. */
  jsonText(text: string): void {
    this.reserve(text.length);
    const { bytes, length } = this;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code < FIRST_PRINTABLE || code > LAST_PRINTABLE || code === QUOTE || code === BACKSLASH) {
        this.text(JSON.stringify(text).slice(1, -1));
        return;
      }
      bytes[length + at] = code;
    }
    this.length = length + text.length;
  }

  /** A whole number that is not negative. */
  integer(value: number): void {
    let digits = 1;
    for (let bound = 10; value >= bound; bound *= 10) digits++;
    this.digits(value, digits);
  }

  /** A whole number with so many digits, filled up with zeros. */
  digits(value: number, digits: number): void {
    this.reserve(digits);
    let rest = value;
    for (let at = this.length + digits - 1; at >= this.length; at--) {
      const shorter = Math.floor(rest / 10);
      this.bytes[at] = ZERO + (rest - shorter * 10);
      rest = shorter;
    }
    this.length += digits;
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
