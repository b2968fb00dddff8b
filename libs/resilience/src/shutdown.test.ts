import { runShutdown, withDeadline, type ShutdownPhase } from './index';

const never = () => new Promise<never>(() => undefined);

describe('runShutdown', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  const phase = (name: string, run: ShutdownPhase['run'], timeoutMs = 1_000): ShutdownPhase => ({
    name,
    timeoutMs,
    run,
  });

  it('runs the phases in order, each after the end of the one before', async () => {
    const order: string[] = [];
    const step = (name: string) => async () => {
      order.push(`${name} begins`);
      await Promise.resolve();
      order.push(`${name} ends`);
    };
    const result = await runShutdown([phase('drain', step('drain')), phase('close', step('close'))], {
      maxMs: 5_000,
    });
    expect(order).toEqual(['drain begins', 'drain ends', 'close begins', 'close ends']);
    expect(result.ok).toBe(true);
    expect(result.stuck).toBeUndefined();
  });

  it('names the phase that is stuck, tells it to stop and goes on', async () => {
    let told: AbortSignal | undefined;
    const close = jest.fn();
    const running = runShutdown(
      [
        phase('drain', (signal) => {
          told = signal;
          return never();
        }),
        phase('close', close),
      ],
      { maxMs: 5_000 },
    );
    await jest.advanceTimersByTimeAsync(999);
    expect(close).not.toHaveBeenCalled();
    await jest.advanceTimersByTimeAsync(1);
    await expect(running).resolves.toMatchObject({ ok: false, stuck: 'drain' });
    expect(told?.aborted).toBe(true);
    expect(close).toHaveBeenCalledTimes(1);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('no');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no'))],
  ])('goes on after a phase that %s, and is not ok', async (_how, fail) => {
    const close = jest.fn();
    const onPhase = jest.fn();
    const result = await runShutdown([phase('drain', fail), phase('close', close)], {
      maxMs: 5_000,
      onPhase,
    });
    expect(result).toMatchObject({ ok: false, phases: [{ outcome: 'failed' }, { outcome: 'ok' }] });
    expect(result.stuck).toBe('drain');
    expect(close).toHaveBeenCalledTimes(1);
    expect(onPhase.mock.calls.map(([report]) => report)).toEqual(result.phases);
  });

  it('ends at the limit for all, and says what it did not wait for', async () => {
    const last = jest.fn(never);
    const running = runShutdown(
      [
        { ...phase('requests', never, 3_000), describe: () => 'requests (GET /feed)' },
        phase('postgres', never, 3_000),
        phase('redis', last),
      ],
      { maxMs: 4_000 },
    );
    await jest.advanceTimersByTimeAsync(4_001);
    await expect(running).resolves.toMatchObject({
      ok: false,
      stuck: 'requests (GET /feed); postgres; redis',
    });
    expect(last).toHaveBeenCalledTimes(1);
  });
});

describe('withDeadline', () => {
  it('fires when the time is over', async () => {
    const signal = withDeadline(5);
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    expect(signal.reason).toMatchObject({ name: 'TimeoutError' });
  });

  it('fires when the given signal does', () => {
    const caller = new AbortController();
    const signal = withDeadline(60_000, caller.signal);
    caller.abort(new Error('gone'));
    expect(signal.reason).toEqual(new Error('gone'));
  });
});
