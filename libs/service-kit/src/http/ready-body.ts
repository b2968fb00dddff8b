/** Heads take about half of that; longer ones go by themselves. */
const room = 2 * 1024;

/**
 * A body that is sent many times, as bytes, with room before it for the head of each answer: both leave as one piece
 * from where they are. As a text it is put behind its head, laid flat and written out each time.
 */
export class ReadyBody {
  /** How long the body is. */
  readonly bytes: number;
  private memory: Buffer;

  constructor(text: string, bytes = Buffer.byteLength(text)) {
    this.bytes = bytes;
    this.memory = Buffer.allocUnsafeSlow(room + bytes);
    this.memory.write(text, room);
  }

  /** The body by itself. */
  get content(): Buffer {
    return this.memory.subarray(room);
  }

  toString(): string {
    return this.content.toString();
  }

  /** Head and body, until the next head is written there. Undefined where there is no room for it. */
  under(head: string): Buffer | undefined {
    if (head.length > room) return undefined;
    const start = room - head.length;
    this.memory.write(head, start, 'latin1');
    return this.memory.subarray(start);
  }

  /** Leaves what was given last to who still needs it. */
  leave(): void {
    this.memory = Buffer.from(this.memory);
  }
}
