import { Writable } from 'node:stream';
import { SonicBoom } from 'sonic-boom';
import winston from 'winston';
import { currentContext, type RequestContext } from '../context/request-context';
import type { AccessLine } from './access-line';
import { logLevels, type LogLevel } from './log-levels';
import { redactText, redactValue } from './redaction';

const MESSAGE = Symbol.for('message');

export interface LoggerOptions {
  service: string;
  version: string;
  environment: string;
  level: LogLevel;
  format: 'json' | 'pretty';
  /** 'stdout', or the path of a file, rotated daily. */
  output: string;
  /** How many successful lines of one route pass in one second before sampling begins; 0: none. Default 0. */
  sampleFirst?: number;
  /** After `sampleFirst`, every which line passes. Default 1: all. */
  sampleEvery?: number;
}

type WinstonLogger = Omit<
  winston.Logger,
  | 'close'
  | 'child'
  | 'silly'
  | 'verbose'
  | 'http'
  | 'help'
  | 'data'
  | 'prompt'
  | 'input'
  | 'emerg'
  | 'alert'
  | 'crit'
  | 'warning'
  | 'notice'
>;

/** A winston logger with the project's levels and a fast way for access lines. */
export interface RostrumLogger extends WinstonLogger {
  fatal: winston.LeveledLogMethod;
  /** Writes one access line; outside the request's asynchronous context pass the context. */
  access(line: AccessLine, context?: RequestContext): void;
  setLevel(level: LogLevel): void;
  currentLevel(): LogLevel;
  /** Writes what is buffered at once; for the last moments of a process. */
  flushSync(): void;
  /** Writes everything out and closes the output. Lines after it are dropped. */
  close(): Promise<void>;
  /** Lines lost because the output could not keep up or failed. */
  droppedLines(): number;
  child(fields: object): RostrumLogger;
}

/** Makes the logger of a process. */
export function createLogger(options: LoggerOptions): RostrumLogger {
  let dropped = 0;
  const sink = new SonicBoom({
    ...(options.output === 'stdout' ? { fd: 1 } : { dest: options.output, mkdir: true }),
    minLength: 4096,
    maxLength: 8 * 1024 * 1024,
    periodicFlush: 50,
  });
  sink.on('drop', () => dropped++);
  sink.on('error', () => dropped++);
  const lines = new Writable({
    objectMode: true,
    write(info: Record<PropertyKey, unknown>, _encoding, next) {
      sink.write(String(info[MESSAGE]) + '\n');
      next();
    },
  });
  const write = (level: string, message: string, fields: object, context = currentContext()) =>
    JSON.stringify({
      time: new Date().toISOString(),
      level,
      service: options.service,
      version: options.version,
      environment: options.environment,
      message: redactText(message),
      ...(context && {
        request_id: context.requestId,
        trace_id: context.traceId,
        span_id: context.spanId,
        user_id: context.userId,
        endpoint: context.endpoint,
      }),
      ...fields,
    });
  const format = winston.format((info) => {
    const { level, message, ...rest } = info;
    info[MESSAGE] = write(level, String(message), redactValue(rest) as object);
    return info;
  });
  const inner = winston.createLogger({
    levels: logLevels,
    level: options.level,
    format: format(),
    transports: [new winston.transports.Stream({ stream: lines })],
  });
  return Object.assign(inner, {
    access(line: AccessLine, context?: RequestContext) {
      const path = line.path.split('?', 1)[0];
      sink.write(
        write('info', `${line.method} ${line.route} ${line.status}`, { ...line, path }, context) + '\n',
      );
    },
    setLevel(level: LogLevel) {
      inner.level = level;
    },
    currentLevel: () => inner.level as LogLevel,
    flushSync: () => sink.flushSync(),
    close: () =>
      new Promise<void>((resolve) => {
        sink.once('close', () => resolve());
        sink.end();
      }),
    droppedLines: () => dropped,
  }) as unknown as RostrumLogger; // the levels of winston's types are npm's; ours are made at run time
}
