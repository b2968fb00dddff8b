import type { RequestContext } from '../context/request-context';
import { redactText } from '../redaction/secret-text';
import { redactValue } from '../redaction/redact-value';
import type { LogLevel } from './log-levels';

/** One line before it is written: already safe. */
export interface LogEntry {
  level: LogLevel;
  message: string;
  context: RequestContext | undefined;
  /** The redacted form of what was thrown. */
  error: unknown;
  fields: Record<string, unknown>;
}

/** What a caller gave to one logging method. */
export interface RawEntry {
  level: LogLevel;
  context: RequestContext | undefined;
  /** Fields of child loggers. */
  bindings: object;
  args: readonly unknown[];
}

const isError = (value: unknown): value is Error =>
  value instanceof Error || Object.prototype.toString.call(value) === '[object Error]';

function messageOf(value: unknown): string {
  if (typeof value === 'object' && value !== null) return 'message' in value ? String(value.message) : '';
  return value === undefined ? '' : String(value);
}

/** Elasticsearch wants one type per field: an `error` is always an object. */
function asErrorObject(error: unknown): unknown {
  return typeof error === 'object' ? error : { message: String(error) };
}

/** Collects what the arguments of one logging call say beyond the message. */
class EntryParts {
  readonly fields = Object.create(null) as Record<string, unknown>;
  private readonly extras: unknown[] = [];
  private thrown: unknown;

  add(part: unknown): void {
    if (part === undefined || part === null) return;
    const safe = redactValue(part);
    if (isError(part)) this.thrown = safe;
    else if (typeof safe === 'object' && !Array.isArray(safe)) Object.assign(this.fields, safe);
    else this.extras.push(safe);
  }

  finish(): { error: unknown; fields: Record<string, unknown> } {
    const { fields, extras } = this;
    if (extras.length > 0) fields.args = extras;
    const error = this.thrown ?? fields.error;
    if (this.thrown === undefined) delete fields.error;
    return { error: error === undefined ? undefined : asErrorObject(error), fields };
  }
}

/** Takes `(message, metadata)`, `(message, error)`, `(error)` or `(record)` apart, and makes all of it safe. */
export function toEntry({ level, context, bindings, args }: RawEntry): LogEntry {
  const [first, ...rest] = args;
  const parts = new EntryParts();
  parts.add(bindings);
  if (typeof first === 'object') {
    parts.add(first);
    delete parts.fields.message; // it is the line's own
  }
  for (const part of rest) parts.add(part);
  return { level, context, message: redactText(messageOf(first)), ...parts.finish() };
}
