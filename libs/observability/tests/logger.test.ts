import { statSync } from 'node:fs';
import { Writable } from 'node:stream';
import winston from 'winston';
import { runWithContext } from '../src';
import { exchange, requestContext, WrittenLogs } from './written-logs';

const logs = new WrittenLogs();

afterEach(() => logs.close());
afterAll(() => logs.remove());

describe('a line', () => {
  test('is one JSON object with time, level, service, version, environment and message', async () => {
    const { logger, lines } = logs.make();
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
    const { logger, lines } = logs.make();
    runWithContext(requestContext(), () => logger.warn('Slow'));
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
    const { logger, lines } = logs.make();
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
    const { logger, text, lines } = logs.make();
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
    const { logger, lines } = logs.make();
    const child = logger.child({ component: 'relay', password: 'hunter2' }).child({ shard: 3 });
    runWithContext(requestContext(), () => child.info('Moved', { count: 1 }));
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
    const { logger, lines } = logs.make();
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
    const { logger, lines } = logs.make({ level: 'warn' });
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
    const { logger } = logs.make();
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
  test('has lines of children and of their parent in the order of their calls, however many at once', async () => {
    const { logger, lines } = logs.make();
    const child = logger.child({ part: 'feed' });
    const written: string[] = [];
    const say = (who: typeof logger, text: string) => {
      who.info(text);
      written.push(text);
    };
    say(logger, 'first');
    for (let n = 0; n < 100; n += 1) say(child, `child ${n}`);
    for (let n = 0; n < 3; n += 1) say(logger, `parent ${n}`);
    say(child, 'last');
    expect((await lines()).map(({ message }) => message)).toEqual(written);
  });

  test('another transport gets the same, redacted line', async () => {
    const { logger } = logs.make();
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

describe('the readable format', () => {
  test('is text without colours when it does not go to a terminal, and keeps terminals safe', async () => {
    const { logger, text } = logs.make({ format: 'pretty' });
    logger.info('Up\u001b[31m', { port: 8081, what: 'two words', token: 'abc' });
    logger.error('Failed', new Error('no\nforged line', { cause: new Error('root') }));
    logger.access({ ...exchange, path: '/x?token=abc' }, requestContext());
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
    const { logger, lines } = logs.make();
    logger.info('before');
    await Promise.all([logger.close(), logger.close()]);
    logger.info('after');
    logger.access(exchange);
    expect((await lines()).map(({ message }) => message)).toEqual(['before']);
    expect(logger.droppedLines()).toBe(2);
  });

  test('a full disk costs lines beyond the bound, and not the end of the process', async () => {
    const { logger } = logs.make({ output: '/dev/full' });
    const text = 'x'.repeat(4000);
    for (let at = 0; at < 3000; at++) logger.access({ ...exchange, path: `/${text}` });
    expect(logger.droppedLines()).toBeGreaterThan(100);
    const before = Date.now();
    await logger.close();
    expect(Date.now() - before).toBeLessThan(20_000);
    expect(statSync('/dev/full').isCharacterDevice()).toBe(true);
  });

  test('an output that cannot be opened is an error at once', () => {
    expect(() => logs.make({ output: '/dev/null/nowhere.log' })).toThrow(/ENOTDIR|EEXIST/);
  });
});
