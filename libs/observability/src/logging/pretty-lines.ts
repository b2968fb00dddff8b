import { safePath, type AccessRecord } from './access-format';
import type { LogEntry } from './log-entry';
import type { LogLevel } from './log-levels';

const COLOURS: Record<LogLevel, string> = {
  fatal: '41;97',
  error: '31',
  warn: '33',
  info: '32',
  debug: '34',
};
const DIM = '2';

/** What a terminal would obey instead of show. */
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** Makes text harmless for a terminal, and keeps later lines recognisable as part of this entry. */
function forTerminal(text: string): string {
  return text
    .replace(CONTROLS, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
    .replaceAll('\n', '\n    ');
}

function show(value: unknown): string {
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : String(JSON.stringify(value));
}

interface ErrorLike {
  type?: unknown;
  message?: unknown;
  stack?: unknown;
  cause?: unknown;
}

function showError(error: unknown, label = ''): string {
  if (typeof error !== 'object' || error === null) return `\n${label}${show(error)}`;
  const { type, message, stack, cause } = error as ErrorLike;
  const head = `\n${label}${typeof stack === 'string' ? stack : `${String(type)}: ${String(message)}`}`;
  return cause === undefined ? head : head + showError(cause, 'caused by ');
}

/** Lines for people who develop: time, level, message, fields. */
export class PrettyFormat {
  constructor(
    private readonly service: string,
    private readonly colours: boolean,
  ) {}

  entry({ level, message, context, error, fields }: LogEntry): string {
    let text = `${this.head(level)} ${message}`;
    let tail = '';
    for (const key in fields) tail += ` ${key}=${show(fields[key])}`;
    if (context) tail += ` request_id=${context.requestId}`;
    if (context?.userId !== undefined) tail += ` user_id=${show(context.userId)}`;
    text = forTerminal(text) + this.paint(DIM, forTerminal(tail));
    return error === undefined
      ? this.level(level, text)
      : this.level(level, text + forTerminal(showError(error)));
  }

  access({ level, line, context }: AccessRecord): string {
    const { method, path, status, durationMs, bytes, aborted } = line;
    const facts = `${method} ${safePath(path)} ${status}${aborted === true ? ' aborted' : ''}`;
    const rest = ` ${durationMs.toFixed(1)}ms ${bytes}B${context ? ` request_id=${context.requestId}` : ''}`;
    const text = forTerminal(`${this.head(level)} ${facts}`) + this.paint(DIM, forTerminal(rest));
    return `${this.level(level, text)}\n`;
  }

  private head(level: LogLevel): string {
    return `${new Date().toISOString().slice(11, 23)} ${level.padEnd(5)} ${this.service}`;
  }

  /** Colours the level, which is the first word after the time. */
  private level(level: LogLevel, text: string): string {
    const at = text.indexOf(level);
    return text.slice(0, at) + this.paint(COLOURS[level], level) + text.slice(at + level.length);
  }

  private paint(colour: string, text: string): string {
    return this.colours && text !== '' ? `\u001b[${colour}m${text}\u001b[0m` : text;
  }
}
