import { setImmediate as immediate, setTimeout as later } from 'node:timers/promises';
import { currentContext, RequestContext, runWithContext } from './request-context';

const make = (requestId: string) =>
  new RequestContext({ requestId, traceId: '1'.repeat(32), spanId: '2'.repeat(16), sampled: false });

describe('RequestContext', () => {
  test('is there inside, also later, and not outside', async () => {
    const context = make('r1');
    expect(currentContext()).toBeUndefined();
    await runWithContext(context, async () => {
      expect(currentContext()).toBe(context);
      await immediate();
      expect(currentContext()).toBe(context);
    });
    expect(currentContext()).toBeUndefined();
  });

  test('a thousand interleaved pieces of work keep theirs', async () => {
    const mixed: string[] = [];
    const work = async (requestId: string) => {
      for (let step = 0; step < 5; step++) {
        await (step % 2 === 0 ? immediate() : later(Math.random() * 3));
        if (currentContext()?.requestId !== requestId) mixed.push(requestId);
      }
    };
    await Promise.all(
      Array.from({ length: 1000 }, (_, at) => runWithContext(make(`r${at}`), () => work(`r${at}`))),
    );
    expect(mixed).toEqual([]);
  });

  test('speaks of itself as a traceparent', () => {
    expect(make('r').traceparent()).toBe(`00-${'1'.repeat(32)}-${'2'.repeat(16)}-00`);
  });
});
