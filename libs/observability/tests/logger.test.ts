import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Writable } from 'node:stream';
import fc from 'fast-check';
import winston from 'winston';
import { createLogger, RequestContext, runWithContext, type LoggerOptions, type RostrumLogger } from '../src';

type Line = Record<string, unknown>;

let folder: string;
let made = 0;
const open: RostrumLogger[] = [];

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'rostrum-logger-'));
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((logger) => logger.close()));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function make(options: Partial<LoggerOptions> = {}) {
  const file = path.join(folder, `${++made}.log`);
  const logger = createLogger({
    service: 'posts',
    version: '1.2.3',
    environment: 'production',
    level: 'info',
    format: 'json',
    output: file,
    ...options,
  });
  open.push(logger);
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

const context = () =>
  Object.assign(
    new RequestContext({
      requestId: 'req-1',
      traceId: 'a'.repeat(32),
      spanId: 'b'.repeat(16),
      sampled: true,
    }),
    { userId: 'user-7', endpoint: 'GET /api/v1/posts/:id' },
  );

const exchange = {
  method: 'GET',
  route: '/api/v1/posts/:id',
  path: '/api/v1/posts/1',
  status: 200,
  durationMs: 1.23456,
  bytes: 512,
  clientIp: '10.0.0.1',
  userAgent: 'curl/8',
};

describe('a line', () => {
  test('is one JSON object with time, level, service, version, environment and message', async () => {
    const { logger, lines } = make();
    const before = Date.now();
    logger.info('Started', { port: 8081, nested: { list: [1, 'two'] } });
    const [line] = await lines();
    expect(line).toEqual({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      level: 'info',
      service: 'posts',
      version: '1.2.3',
      environment: 'production',
      message: 'Started',
      port: 8081,
      nested: { list: [1, 'two'] },
    });
    expect(Math.abs(Date.parse(String(line?.time)) - before)).toBeLessThan(2000);
  });

  test('of a request carries its ids, user and endpoint', async () => {
    const { logger, lines } = make();
    runWithContext(context(), () => logger.warn('Slow'));
    logger.warn('Outside');
    const [inside, outside] = await lines();
    expect(inside).toMatchObject({
      request_id: 'req-1',
      trace_id: 'a'.repeat(32),
      span_id: 'b'.repeat(16),
      user_id: 'user-7',
      endpoint: 'GET /api/v1/posts/:id',
    });
    expect(outside).not.toHaveProperty('request_id');
  });

  test('shows errors the same way, however they are given', async () => {
    const { logger, lines } = make();
    const error = Object.assign(new Error('no', { cause: new TypeError('root') }), { code: 'posts.gone' });
    logger.error('Failed', { error });
    logger.error('Failed', error);
    logger.error(error);
    logger.error('Failed', { error: 'just text' });
    const [byField, byArgument, alone, text] = await lines();
    for (const line of [byField, byArgument, alone])
      expect(line?.error).toMatchObject({
        type: 'Error',
        code: 'posts.gone',
        message: 'no',
        stack: expect.stringContaining('logger.test'),
        cause: { type: 'TypeError', message: 'root' },
      });
    expect(byArgument?.message).toBe('Failed');
    expect(alone?.message).toBe('no');
    expect(text?.error).toEqual({ message: 'just text' });
  });

  test('never has a field twice, whatever the metadata is called', async () => {
    const { logger, text, lines } = make();
    logger.info('Mine', {
      message: 'theirs',
      level: 'debug',
      time: 1,
      service: 'x',
      trace_id: 'y',
      request_id: 'z',
    });
    expect((await text()).match(/"message":/g)).toHaveLength(1);
    expect((await text()).match(/"level":/g)).toHaveLength(1);
    expect((await lines())[0]).toMatchObject({
      message: 'Mine',
      level: 'info',
      service: 'posts',
      field_service: 'x',
    });
  });

  test('of a child has the fields of its parents', async () => {
    const { logger, lines } = make();
    const child = logger.child({ component: 'relay', password: 'hunter2' }).child({ shard: 3 });
    runWithContext(context(), () => child.info('Moved', { count: 1 }));
    expect((await lines())[0]).toMatchObject({
      component: 'relay',
      shard: 3,
      count: 1,
      password: '[redacted]',
      request_id: 'req-1',
    });
    expect(child.currentLevel()).toBe('info');
  });

  test('is written whatever it is asked to show', async () => {
    const { logger, lines } = make();
    const hostile = {
      get boom(): never {
        throw new Error('getter');
      },
      exception: true,
    };
    logger.info('One', hostile);
    logger.info('Two', Object.freeze({ a: 1n }));
    logger.info(undefined);
    logger.info({ message: 'Record', a: 1 });
    logger.info('Three', null, 'extra', 7);
    logger.info('line\nfeed \u0000 \ud800');
    logger.log('info', 'Four', { b: 2 });
    logger.log({ level: 'warn', message: 'Five', c: 3 });
    logger.write({ level: 'warn', message: 'Six', d: 4 });
    expect((await lines()).map(({ message }) => message)).toEqual([
      'One',
      'Two',
      '',
      'Record',
      'Three',
      'line\nfeed \u0000 \ud800',
      'Four',
      'Five',
      'Six',
    ]);
    expect((await lines())[0]).toMatchObject({ boom: '[unreadable]' });
    expect((await lines())[3]).toMatchObject({ a: 1 });
    expect((await lines())[4]).toMatchObject({ args: ['extra', 7] });
    expect((await lines())[7]).toMatchObject({ level: 'warn', c: 3 });
  });
});

describe('levels', () => {
  test('are five, and can be changed while running', async () => {
    const { logger, lines } = make({ level: 'warn' });
    const all = () => {
      for (const level of ['fatal', 'error', 'warn', 'info', 'debug'] as const) logger[level](level);
      logger.access(exchange);
    };
    all();
    logger.setLevel('debug');
    expect(logger.currentLevel()).toBe('debug');
    all();
    logger.setLevel('fatal');
    all();
    expect((await lines()).map(({ message }) => message)).toEqual([
      ...['fatal', 'error', 'warn'],
      ...['fatal', 'error', 'warn', 'info', 'debug', 'GET /api/v1/posts/:id 200'],
      'fatal',
    ]);
  });

  test('what is below the level is not even looked at', () => {
    const { logger } = make();
    const touched = jest.fn();
    logger.debug('quiet', {
      get costly() {
        return touched();
      },
    });
    expect(touched).not.toHaveBeenCalled();
  });
});

describe('winston', () => {
  test('another transport gets the same, redacted line', async () => {
    const { logger } = make();
    const got: string[] = [];
    const stream = new Writable({
      write(chunk, _encoding, next) {
        got.push(String(chunk));
        next();
      },
    });
    logger.add(new winston.transports.Stream({ stream, eol: '' }));
    logger.info('For bob@example.com', { token: 'abc' });
    await logger.close();
    expect(got).toHaveLength(1);
    expect(JSON.parse(String(got[0]))).toMatchObject({ message: 'For [email]', token: '[redacted]' });
  });
});

describe('access lines', () => {
  test('have their fields in a fixed order', async () => {
    const { logger, text } = make();
    logger.access({ ...exchange, path: '/api/v1/posts/1?token=abc' }, context());
    expect((await text()).replace(/"time":"[^"]+"/, '"time":"T"')).toBe(
      '{"time":"T","level":"info","service":"posts","version":"1.2.3","environment":"production",' +
        '"message":"GET /api/v1/posts/:id 200","request_id":"req-1",' +
        `"trace_id":"${'a'.repeat(32)}","span_id":"${'b'.repeat(16)}","user_id":"user-7",` +
        '"endpoint":"GET /api/v1/posts/:id","method":"GET","route":"/api/v1/posts/:id","status":200,' +
        '"path":"/api/v1/posts/1","duration_ms":1.235,"bytes":512,"client_ip":"10.0.0.1","user_agent":"curl/8"}\n',
    );
  });

  test('take the context that runs when none is given, and say when a client went away', async () => {
    const { logger, lines } = make();
    runWithContext(context(), () => logger.access({ ...exchange, status: 503, aborted: true }));
    expect((await lines())[0]).toMatchObject({
      request_id: 'req-1',
      aborted: true,
      status: 503,
      level: 'warn',
    });
  });

  test('are whole JSON without a secret, whatever clients send', async () => {
    const { logger, text, lines } = make();
    const secret = 'c4n4ryS3cret9';
    const hostile = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        `/reset/${secret}@example.com`,
        `Bearer ${secret}`,
        `/x;sid=${secret}`,
        `"\\ password=${secret}\n`,
        `/x?${secret}`,
      ),
    );
    const paths = fc.oneof(hostile, fc.constant(`/x?${secret}`));
    fc.assert(
      fc.property(paths, fc.string(), hostile, (target, method, userAgent) => {
        logger.access({
          ...exchange,
          path: target,
          method,
          userAgent: userAgent.replaceAll(`?${secret}`, ''),
        });
      }),
      { numRuns: 500 },
    );
    expect(await text()).not.toContain(secret);
    expect(await lines()).toHaveLength(500);
  });
});

describe('sampling', () => {
  /** One second of the clock for all lines, so that none falls into the next window. */
  const inOneSecond = (fn: () => void) => {
    jest.useFakeTimers({ now: 1_700_000_000_500, doNotFake: ['setTimeout', 'nextTick', 'setImmediate'] });
    try {
      fn();
    } finally {
      jest.useRealTimers();
    }
  };

  test('thins out success lines per route, and keeps the sum by weight', async () => {
    const { logger, lines } = make({ sampleFirst: 10, sampleEvery: 20 });
    inOneSecond(() => {
      for (let at = 0; at < 1010; at++) logger.access(exchange);
      for (let at = 0; at < 5; at++) logger.access({ ...exchange, route: '/other' });
    });
    const busy = (await lines()).filter(({ route }) => route === exchange.route);
    expect(busy).toHaveLength(10 + 50);
    expect(busy.reduce((sum, line) => sum + Number(line.sample_weight ?? 1), 0)).toBe(1010);
    expect((await lines()).filter(({ route }) => route === '/other')).toHaveLength(5);
  });

  test('begins anew each second', async () => {
    const { logger, lines } = make({ sampleFirst: 2, sampleEvery: 1000 });
    jest.useFakeTimers({ now: 1_700_000_000_000, doNotFake: ['setTimeout', 'nextTick', 'setImmediate'] });
    for (let second = 0; second < 3; second++) {
      for (let at = 0; at < 10; at++) logger.access(exchange);
      jest.setSystemTime(Date.now() + 1000);
    }
    jest.useRealTimers();
    expect(await lines()).toHaveLength(6);
  });

  test('never touches errors, aborted requests or other lines', async () => {
    const { logger, lines } = make({ sampleFirst: 1, sampleEvery: 1_000_000 });
    inOneSecond(() => {
      for (let at = 0; at < 50; at++) {
        logger.access({ ...exchange, status: 404 });
        logger.access({ ...exchange, status: 500 });
        logger.access({ ...exchange, aborted: true });
        logger.info('other');
      }
    });
    expect(await lines()).toHaveLength(200);
    expect((await lines()).every((line) => !('sample_weight' in line))).toBe(true);
  });

  test('is off by default', async () => {
    const { logger, lines } = make({ sampleFirst: 0, sampleEvery: 1 });
    for (let at = 0; at < 300; at++) logger.access(exchange);
    expect(await lines()).toHaveLength(300);
  });
});

describe('the readable format', () => {
  test('is text without colours when it does not go to a terminal, and keeps terminals safe', async () => {
    const { logger, text } = make({ format: 'pretty' });
    logger.info('Up\u001b[31m', { port: 8081, what: 'two words', token: 'abc' });
    logger.error('Failed', new Error('no\nforged line', { cause: new Error('root') }));
    logger.access({ ...exchange, path: '/x?token=abc' }, context());
    const shown = await text();
    expect(shown).not.toContain('\u001b');
    expect(shown).not.toContain('abc');
    expect(shown).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} info {2}posts Up\\x1b\[31m port=8081 what="two words" token="?\[redacted\]/,
    );
    expect(shown).toMatch(/\n {4}forged line/);
    expect(shown).toMatch(/caused by Error: root/);
    expect(shown).toMatch(/info {2}posts GET \/x 200 1\.2ms 512B request_id=req-1\n/);
  });
});

describe('the end', () => {
  test('lines after close are dropped and counted', async () => {
    const { logger, lines } = make();
    logger.info('before');
    await Promise.all([logger.close(), logger.close()]);
    logger.info('after');
    logger.access(exchange);
    expect((await lines()).map(({ message }) => message)).toEqual(['before']);
    expect(logger.droppedLines()).toBe(2);
  });

  test('a full disk costs lines beyond the bound, and not the end of the process', async () => {
    const { logger } = make({ output: '/dev/full' });
    const text = 'x'.repeat(4000);
    for (let at = 0; at < 3000; at++) logger.access({ ...exchange, path: `/${text}` });
    expect(logger.droppedLines()).toBeGreaterThan(100);
    const before = Date.now();
    await logger.close();
    expect(Date.now() - before).toBeLessThan(6000);
    expect(statSync('/dev/full').isCharacterDevice()).toBe(true);
  });

  test('an output that cannot be opened is an error at once', () => {
    expect(() => make({ output: '/dev/null/nowhere.log' })).toThrow(/ENOTDIR|EEXIST/);
  });
});
