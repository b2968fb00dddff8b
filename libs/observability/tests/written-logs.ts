import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLogger, RequestContext, type LoggerOptions, type RostrumLogger } from '../src';

export type Line = Record<string, unknown>;

/** Loggers that write into files of a folder, and what they have written. */
export class WrittenLogs {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'rostrum-logger-'));
  private made = 0;
  private readonly open: RostrumLogger[] = [];

  make(options: Partial<LoggerOptions> = {}) {
    const file = path.join(this.folder, `${++this.made}.log`);
    const logger = createLogger({
      service: 'posts',
      version: '1.2.3',
      environment: 'production',
      level: 'info',
      format: 'json',
      output: file,
      ...options,
    });
    this.open.push(logger);
    /** What was written, once the logger is closed. */
    const text = async () => {
      await logger.close();
      return readFileSync(file, 'utf8');
    };
    const lines = async () =>
      (await text())
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Line);
    return { logger, text, lines };
  }

  async close(): Promise<void> {
    await Promise.all(this.open.splice(0).map((logger) => logger.close()));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export const requestContext = () =>
  Object.assign(
    new RequestContext({
      requestId: 'req-1',
      traceId: 'a'.repeat(32),
      spanId: 'b'.repeat(16),
      sampled: true,
    }),
    { userId: 'user-7', endpoint: 'GET /api/v1/posts/:id' },
  );

export const exchange = {
  method: 'GET',
  route: '/api/v1/posts/:id',
  path: '/api/v1/posts/1',
  status: 200,
  durationMs: 1.23456,
  bytes: 512,
  clientIp: '10.0.0.1',
  userAgent: 'curl/8',
};
