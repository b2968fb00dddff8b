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

/** Access lines do not go through winston: it would cost more than all else that a request is charged for telemetry. */
class AccessLog {
  private readonly sampling: AccessSampling;

  constructor(
    private readonly sink: LineSink,
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
    if (weight > 0) this.sink.write(this.format({ level, line, context, weight, now }));
  }
}

/** Makes the logger of a process. */
export function createLogger(options: LoggerOptions): RostrumLogger {
  const formats = formatsFor(options);
  const sink = new LineSink({
    writer: openOutput(options.output, options.rotation),
    onRecovered: (lost) => inner.log('warn', 'Log lines were lost: the output could not keep up', { lost }),
  });
  const inner = winston.createLogger({
    levels: logLevels,
    level: options.level,
    format: lineFormat(formats.entry),
    transports: [sinkTransport(sink)],
  });
  const accessLog = new AccessLog(sink, formats.access, options);
  const own = {
    ...callMethods(),
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
    droppedLines: () => sink.dropped(),
  };
  return Object.assign(inner, own) as unknown as RostrumLogger; // winston's typings only know npm's levels
}
