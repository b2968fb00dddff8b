/** A process that logs and ends in the way that its argument names. Bundled and started by process-output.test.ts. */
import { createLogger } from '../../src';

const [mode = '', output = 'stdout', lines = '1000'] = process.argv.slice(2);
const count = Number(lines);
const logger = createLogger({
  service: 'child',
  version: '1',
  environment: 'test',
  level: 'info',
  format: 'json',
  output,
});

const writeAll = (from = 0) => {
  for (let at = from; at < count; at++)
    if (at % 10 === 0) logger.info(`line ${at}`, { at });
    else
      logger.access({ method: 'GET', route: '/r', path: `/r/${at}`, status: 200, durationMs: 1, bytes: at });
};

const ends: Record<string, () => void> = {
  /** The event loop runs out of work. */
  natural: () => writeAll(),
  exit: () => {
    writeAll();
    process.exit(0);
  },
  close: () => {
    writeAll();
    void logger.close().then(() => process.exit(0));
  },
  throw: () => {
    writeAll();
    throw new Error('uncaught');
  },
  'exit-mid-write': () => {
    writeAll(count / 2);
    setTimeout(() => {
      writeAll(0);
      process.exit(0);
    }, 60);
  },
  /** Logs for ever, and tells by IPC how long the event loop was held and what was dropped. */
  endless: () => {
    let last = performance.now();
    let longest = 0;
    const text = 'x'.repeat(500);
    let burst = 200;
    setInterval(() => {
      for (let at = 0; at < burst; at++) logger.info(text);
      const now = performance.now();
      longest = Math.max(longest, now - last);
      last = now;
      process.send?.({ longest, dropped: logger.droppedLines() });
    }, 5);
    process.on('message', (message) => {
      if (message === 'exit') process.exit(0);
      if (message === 'close') void logger.close().then(() => process.exit(0));
      if (message === 'quiet') burst = 0;
    });
  },
};

ends[mode]?.();
