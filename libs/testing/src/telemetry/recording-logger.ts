import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createLogger, type LoggerOptions, type RostrumLogger } from '@rostrum/observability';

export type LogLine = Record<string, unknown> & { level: string; message: string };

export interface RecordingLogger {
  /** The real logger: what is recorded is what production would write, redaction included. */
  readonly logger: RostrumLogger;
  /** The same for a service under test, which must not end what the tests go on reading. */
  readonly lent: RostrumLogger;
  /** What `LOG_OUTPUT` would be for a process to be recorded likewise. */
  readonly output: string;
  lines(): LogLine[];
  /** All lines as they were written: for looking for what must not be in them. */
  text(): string;
  close(): Promise<void>;
}

/** Writes to a folder of its own, which `close` removes. */
export function recordingLogger(options: Partial<LoggerOptions> = {}): RecordingLogger {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'rostrum-log-'));
  const output = path.join(folder, 'test.log');
  const logger = createLogger({
    service: 'test',
    version: '0.0.0',
    environment: 'test',
    level: 'debug',
    format: 'json',
    ...options,
    output,
  });
  const text = () => {
    logger.flushSync();
    // Rotation may have given the file another name.
    const files = fs.readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
    return files.map(({ name }) => fs.readFileSync(path.join(folder, name), 'utf8')).join('');
  };
  return {
    logger,
    lent: Object.assign(Object.create(logger) as RostrumLogger, { close: () => Promise.resolve() }),
    output,
    text,
    lines: () =>
      text()
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as LogLine),
    close: async () => {
      await logger.close();
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}
