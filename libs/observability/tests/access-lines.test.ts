import fc from 'fast-check';
import { runWithContext } from '../src';
import { exchange, requestContext, WrittenLogs } from './written-logs';

const logs = new WrittenLogs();

afterEach(() => logs.close());
afterAll(() => logs.remove());

describe('access lines', () => {
  test('have their fields in a fixed order', async () => {
    const { logger, text } = logs.make();
    logger.access({ ...exchange, path: '/api/v1/posts/1?token=abc' }, requestContext());
    expect((await text()).replace(/"time":"[^"]+"/, '"time":"T"')).toBe(
      '{"time":"T","level":"info","service":"posts","version":"1.2.3","environment":"production",' +
        '"message":"GET /api/v1/posts/:id 200","request_id":"req-1",' +
        `"trace_id":"${'a'.repeat(32)}","span_id":"${'b'.repeat(16)}","user_id":"user-7",` +
        '"endpoint":"GET /api/v1/posts/:id","method":"GET","route":"/api/v1/posts/:id","status":200,' +
        '"path":"/api/v1/posts/1","duration_ms":1.235,"bytes":512,"client_ip":"10.0.0.1","user_agent":"curl/8"}\n',
    );
  });

  test('take the context that runs when none is given, and say when a client went away', async () => {
    const { logger, lines } = logs.make();
    runWithContext(requestContext(), () => logger.access({ ...exchange, status: 503, aborted: true }));
    expect((await lines())[0]).toMatchObject({
      request_id: 'req-1',
      aborted: true,
      status: 503,
      level: 'warn',
    });
  });

  test.each(['xoxb-', 'glpat-'])(
    'have no token that begins with %s, though it looks like a path',
    async (start) => {
      const { logger, text } = logs.make();
      logger.access({ ...exchange, path: `/hooks/${start}0123456789abcdef` });
      expect(await text()).toContain('"path":"/hooks/[redacted]"');
    },
  );

  test('are whole JSON without a secret, whatever clients send', async () => {
    const { logger, text, lines } = logs.make();
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
    const { logger, lines } = logs.make({ sampleFirst: 10, sampleEvery: 20 });
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
    const { logger, lines } = logs.make({ sampleFirst: 2, sampleEvery: 1000 });
    jest.useFakeTimers({ now: 1_700_000_000_000, doNotFake: ['setTimeout', 'nextTick', 'setImmediate'] });
    for (let second = 0; second < 3; second++) {
      for (let at = 0; at < 10; at++) logger.access(exchange);
      jest.setSystemTime(Date.now() + 1000);
    }
    jest.useRealTimers();
    expect(await lines()).toHaveLength(6);
  });

  test('never touches errors, aborted requests or other lines', async () => {
    const { logger, lines } = logs.make({ sampleFirst: 1, sampleEvery: 1_000_000 });
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
    const { logger, lines } = logs.make({ sampleFirst: 0, sampleEvery: 1 });
    for (let at = 0; at < 300; at++) logger.access(exchange);
    expect(await lines()).toHaveLength(300);
  });
});
