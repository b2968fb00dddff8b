/** A failure that the reader can mend: `message` names the cause, `mend` what to do about it. */
export class ClearError extends Error {
  constructor(message, mend, options) {
    super(message, options);
    this.name = 'ClearError';
    this.mend = mend;
  }

  /** The one line that a command prints before it exits with a code other than 0. */
  get line() {
    return this.mend ? `${this.message} ${this.mend}` : this.message;
  }
}

/** The line for any failure: a mendable one speaks for itself, anything else shows where it came from. */
export function failureLine(error) {
  if (error instanceof ClearError) return error.line;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** The failure in so few words that it fits into another sentence. */
export function reasonOf(error) {
  const [line] = (error.line ?? error.message).split('\n');
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}
