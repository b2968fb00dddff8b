import { Writable } from 'node:stream';
import winston from 'winston';
import { currentContext, type RequestContext } from '../context/request-context';
import type { LineSink } from './line-sink';
import { toEntry, type LogEntry } from './log-entry';
import { isLogLevel, logLevelNames } from './log-levels';

const MESSAGE = Symbol.for('message');
const LEVEL = Symbol.for('level');
/** Carries a call's arguments through winston untouched: it would merge them, call their getters and change them. */
const CALL = Symbol('call');

interface Call {
  args: readonly unknown[];
  context: RequestContext | undefined;
}

type Info = winston.Logform.TransformableInfo & { [CALL]?: Call };

function entryOf(info: Info): LogEntry {
  const { level, message, ...bindings } = info;
  const call = info[CALL];
  return toEntry({
    level: isLogLevel(level) ? level : 'info',
    context: call ? call.context : currentContext(),
    bindings,
    args: call ? call.args : [message],
  });
}

/** winston's format: what comes out is redacted, for this and any other transport. */
export function lineFormat(line: (entry: LogEntry) => string): winston.Logform.Format {
  return winston.format((info) => {
    const entry = entryOf(info);
    return { level: entry.level, message: entry.message, [LEVEL]: entry.level, [MESSAGE]: line(entry) };
  })();
}

export function sinkTransport(sink: Pick<LineSink, 'write'>): winston.transport {
  const stream = new Writable({
    objectMode: true,
    write(info: Info, _encoding, next) {
      sink.write(`${String(info[MESSAGE])}\n`);
      next();
    },
  });
  return new winston.transports.Stream({ stream });
}

/** Where lines go that need not pass through winston's streams, which take twice as long as all else about a line. */
export interface DirectLines {
  /** Whether there is nothing between this logger and its output, and nothing that is still on its way there. */
  areFor(logger: winston.Logger): boolean;
  write(entry: LogEntry): void;
}

/** Logging methods that look at the level first, never throw, and remember the context of the call. */
export function callMethods(direct: DirectLines) {
  function log(this: winston.Logger, level: unknown, ...args: unknown[]): winston.Logger {
    if (typeof level === 'object' && level !== null && 'level' in level)
      return log.call(this, level.level, level);
    const known = isLogLevel(level) ? level : 'info';
    if (!this.isLevelEnabled(known)) return this;
    const call: Call = { args, context: currentContext() };
    if (direct.areFor(this)) {
      direct.write(toEntry({ level: known, bindings: {}, ...call }));
      return this;
    }
    this.write({ level: known, message: '', [LEVEL]: known, [CALL]: call });
    return this;
  }
  const byLevel = logLevelNames.map((level) => [
    level,
    function (this: winston.Logger, ...args: unknown[]) {
      return log.call(this, level, ...args);
    },
  ]);
  return { log, ...Object.fromEntries(byLevel) };
}

/** Moves what winston's streams still hold on to the transports. */
export function drain(logger: winston.Logger): void {
  while (logger.read() !== null);
}
