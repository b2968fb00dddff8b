import winston from 'winston';
import { currentContext, type RequestContext } from '../context/request-context';
import { createAccessFormat, type AccessRecord } from './access-format';
import type { AccessLine } from './access-line';
import { AccessSampling } from './access-sampling';
import { createJsonFormat } from './json-lines';
import { LineSink } from './line-sink';
import type { LogEntry } from './log-entry';
import { logLevels, type LogLevel } from './log-levels';
import { isTerminal, openOutput } from './open-output';
import { PrettyFormat } from './pretty-lines';
import type { RotationOptions } from './rotating-file';
import { callMethods, drain, lineFormat, sinkTransport } from './winston-bridge';

export interface LoggerOptions {
  service: string;
  version: string;
  environment: string;
  level: LogLevel;
  format: 'json' | 'pretty';
  /** 'stdout', 'stderr', or the path of a file, rotated daily and kept for 30 days. */
  output: string;
  /** How many success lines of one route pass in one second before they are sampled. Default 0. */
  sampleFirst?: number;
  /** After `sampleFirst`, every which line passes. Default 1: all. */
  sampleEvery?: number;
  /** How files rotate. */
  rotation?: RotationOptions;
}

type WinstonLogger = Omit<
  winston.Logger,
  | ('close' | 'child')
  // levels of npm and syslog that the project does not have
  | ('silly' | 'verbose' | 'http' | 'help' | 'data' | 'prompt' | 'input')
  | ('emerg' | 'alert' | 'crit' | 'warning' | 'notice')
>;

/** A winston logger with the project's levels, a fast way for access lines, and an end without losses. */
export interface RostrumLogger extends WinstonLogger {
  fatal: winston.LeveledLogMethod;
  /** Writes one access line; outside the request's asynchronous context pass the context. */
  access(line: AccessLine, context?: RequestContext): void;
  setLevel(level: LogLevel): void;
  currentLevel(): LogLevel;
  /** Hands what is buffered to the system before it returns; for the last moments of a process. */
  flushSync(): void;
  /** Writes everything out and closes the output. Later lines are dropped, and counted. */
  close(): Promise<void>;
  /** Lines lost because the output was gone or could not keep up. */
  droppedLines(): number;
  child(fields: object): RostrumLogger;
}

/** How the two kinds of lines look. */
interface LineFormats {
  entry: (entry: LogEntry) => string;
  access: (record: AccessRecord) => string;
}

function formatsFor(options: LoggerOptions): LineFormats {
  if (options.format === 'json')
    return { entry: createJsonFormat(options), access: createAccessFormat(options) };
  const pretty = new PrettyFormat(options.service, isTerminal(options.output));
  return { entry: (entry) => pretty.entry(entry), access: (record) => pretty.access(record) };
}

const mostWaiting = 256;

/**
 * Access lines do not go through winston: it would cost more than all else that a request is charged for telemetry.
 * They are made at the end of the event loop's turn, all of them together: one by one among the requests each costs
 * twice as much, because what makes it has left the processor's cache.
 */
class AccessLog {
  private readonly sampling: AccessSampling;
  private waiting: AccessRecord[] = [];

  constructor(
    private readonly sink: Pick<LineSink, 'write'>,
    private readonly format: LineFormats['access'],
    { sampleFirst = 0, sampleEvery = 1 }: LoggerOptions,
  ) {
    this.sampling = new AccessSampling(sampleFirst, sampleEvery);
  }

  write(line: AccessLine, context: RequestContext | undefined, threshold: number): void {
    const level = line.status >= 500 ? 'warn' : 'info';
    if (logLevels[level] > threshold) return;
    const now = Date.now();
    const succeeded = line.status < 400 && line.aborted !== true;
    const weight = succeeded ? this.sampling.weigh(line.route, now) : 1;
    if (weight === 0) return;
    if (this.waiting.length === 0) setImmediate(this.flush);
    this.waiting.push({ level, line, context, weight, now });
    if (this.waiting.length >= mostWaiting) this.flush();
  }

  /** A line of another kind, in its place among these. */
  writeAfter(line: string): void {
    this.flush();
    this.sink.write(line);
  }

  readonly flush = (): void => {
    if (this.waiting.length === 0) return;
    const { waiting } = this;
    this.waiting = [];
    for (const record of waiting) this.sink.write(this.format(record));
  };
}

/** Makes the logger of a process. */
export function createLogger(options: LoggerOptions): RostrumLogger {
  const formats = formatsFor(options);
  const sink = new LineSink({
    writer: openOutput(options.output, options.rotation),
    onEnd: () => accessLog.flush(),
    onRecovered: (lost) => inner.log('warn', 'Log lines were lost: the output could not keep up', { lost }),
  });
  const transport = sinkTransport({ write: (line) => accessLog.writeAfter(line) });
  const inner = winston.createLogger({
    levels: logLevels,
    level: options.level,
    format: lineFormat(formats.entry),
    transports: [transport],
  });
  const accessLog = new AccessLog(sink, formats.access, options);
  const own = {
    ...callMethods({
      areFor: (logger) =>
        logger === inner &&
        inner.transports.length === 1 &&
        inner.transports[0] === transport &&
        inner.readableLength === 0,
      write: (entry) => accessLog.writeAfter(`${formats.entry(entry)}\n`),
    }),
    access(line: AccessLine, context = currentContext()) {
      accessLog.write(line, context, logLevels[inner.level as LogLevel]);
    },
    setLevel(level: LogLevel) {
      inner.level = level;
    },
    currentLevel: () => inner.level as LogLevel,
    flushSync() {
      drain(inner);
      sink.flushSync();
    },
    async close() {
      drain(inner);
      await sink.close();
    },
    droppedLines() {
      accessLog.flush();
      return sink.dropped();
    },
  };
  return Object.assign(inner, own) as unknown as RostrumLogger; // winston's typings only know npm's levels
}
