import { AsyncLocalStorage } from 'node:async_hooks';
import { problems } from '@rostrum/errors';
import { createPolicy, type PolicyHooks } from './index';

const fails = () => Promise.reject(new Error('down'));
const works = () => 'answer';
const hangs = () => new Promise<never>(() => undefined);

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const policyWith = (hooks: PolicyHooks = {}) => createPolicy({ name: 'redis', timeoutMs: 1_000, hooks });

async function failTimes(policy: ReturnType<typeof policyWith>, times: number) {
  for (let i = 0; i < times; i += 1) await expect(policy.execute(fails)).rejects.toThrow('down');
}

describe('the circuit', () => {
  it('opens at the fifth failure within ten seconds, though others succeed between them', async () => {
    const policy = policyWith();
    for (let i = 0; i < 4; i += 1) {
      await failTimes(policy, 1);
      await policy.execute(works);
      await jest.advanceTimersByTimeAsync(2_400);
    }
    expect(policy.state()).toBe('closed');
    await failTimes(policy, 1);
    expect(policy.state()).toBe('open');
  });

  it('stays closed while failures are further apart', async () => {
    const policy = policyWith();
    for (let i = 0; i < 20; i += 1) {
      await failTimes(policy, 1);
      await jest.advanceTimersByTimeAsync(2_600);
    }
    expect(policy.state()).toBe('closed');
  });

  it('answers at once while it is open and says when to come back', async () => {
    const policy = policyWith();
    await failTimes(policy, 5);
    await jest.advanceTimersByTimeAsync(10_000);
    const work = jest.fn(works);
    await expect(policy.execute(work)).rejects.toMatchObject({
      code: 'REDIS_UNAVAILABLE',
      status: 503,
      retryAfterSeconds: 20,
    });
    expect(work).not.toHaveBeenCalled();
  });

  it('lets one call through after thirty seconds and closes when that one succeeds', async () => {
    const policy = policyWith();
    await failTimes(policy, 5);
    await jest.advanceTimersByTimeAsync(30_000);
    const trial = Promise.withResolvers<string>();
    const running = policy.execute(() => trial.promise);
    expect(policy.state()).toBe('half-open');
    await expect(policy.execute(works)).rejects.toMatchObject({ status: 503 });
    trial.resolve('well again');
    await expect(running).resolves.toBe('well again');
    expect(policy.state()).toBe('closed');
    await failTimes(policy, 4);
    expect(policy.state()).toBe('closed');
  });

  it('opens again when the trial fails', async () => {
    const policy = policyWith();
    await failTimes(policy, 5);
    await jest.advanceTimersByTimeAsync(30_000);
    await failTimes(policy, 1);
    expect(policy.state()).toBe('open');
    await jest.advanceTimersByTimeAsync(29_000);
    await expect(policy.execute(works)).rejects.toMatchObject({ status: 503 });
  });

  it('does not take an aborted trial for a success', async () => {
    const policy = policyWith();
    await failTimes(policy, 5);
    await jest.advanceTimersByTimeAsync(30_000);
    const caller = new AbortController();
    const running = policy.execute(hangs, { signal: caller.signal });
    caller.abort(new Error('gone'));
    await expect(running).rejects.toThrow('gone');
    expect(policy.state()).toBe('open');
  });

  it('takes an answer that blames the caller for a sign of life', async () => {
    const policy = policyWith();
    const notFound = () => Promise.reject(problems.notFound('post'));
    for (let i = 0; i < 10; i += 1)
      await expect(policy.execute(notFound)).rejects.toMatchObject({ status: 404 });
    expect(policy.state()).toBe('closed');
    await failTimes(policy, 5);
    await jest.advanceTimersByTimeAsync(30_000);
    await expect(policy.execute(notFound)).rejects.toMatchObject({ status: 404 });
    expect(policy.state()).toBe('closed');
  });

  it('counts calls that hang, even if they ignore their signal', async () => {
    const policy = policyWith();
    for (let i = 0; i < 5; i += 1) {
      const call = expect(policy.execute(hangs)).rejects.toMatchObject({ status: 503 });
      await jest.advanceTimersByTimeAsync(1_000);
      await call;
    }
    expect(policy.state()).toBe('open');
  });

  it('does not count callers who give up', async () => {
    const policy = policyWith();
    for (let i = 0; i < 10; i += 1) {
      const caller = new AbortController();
      const call = expect(policy.execute(hangs, { signal: caller.signal })).rejects.toThrow('gone');
      caller.abort(new Error('gone'));
      await call;
    }
    expect(policy.state()).toBe('closed');
  });

  it('closes early where a probe finds the dependency well', async () => {
    const probe = jest.fn(() => Promise.resolve());
    const policy = createPolicy({ name: 'auth', timeoutMs: 1_000, breaker: { probe, probeEveryMs: 2_000 } });
    await failTimes(policy, 5);
    await expect(policy.execute(works)).rejects.toMatchObject({ status: 503, retryAfterSeconds: 1 });
    await jest.advanceTimersByTimeAsync(2_500);
    expect(probe).toHaveBeenCalledTimes(1);
    await expect(policy.execute(works)).resolves.toBe('answer');
    policy.dispose();
  });

  it('is opened and closed by hand, and tells each change once', async () => {
    const onStateChange = jest.fn();
    const policy = policyWith({ onStateChange });
    policy.forceOpen();
    await expect(policy.execute(works)).rejects.toMatchObject({ status: 503 });
    await jest.advanceTimersByTimeAsync(120_000);
    expect(policy.state()).toBe('forced-open');
    policy.reset();
    await expect(policy.execute(works)).resolves.toBe('answer');
    await failTimes(policy, 5);
    policy.reset();
    await failTimes(policy, 4);
    expect(policy.state()).toBe('closed');
    expect(onStateChange.mock.calls.map(([{ state }]) => state)).toEqual([
      'forced-open',
      'closed',
      'open',
      'closed',
    ]);
  });
});

describe('a call', () => {
  it('is given up when its time is over, and told so', async () => {
    const policy = policyWith();
    let seen: AbortSignal | undefined;
    const call = policy.execute(({ signal }) => {
      seen = signal;
      return hangs();
    });
    const outcome = expect(call).rejects.toMatchObject({ code: 'REDIS_UNAVAILABLE' });
    await jest.advanceTimersByTimeAsync(999);
    expect(seen?.aborted).toBe(false);
    await jest.advanceTimersByTimeAsync(1);
    await outcome;
    expect(seen?.aborted).toBe(true);
  });

  it('is not made for a caller who is gone already', async () => {
    const work = jest.fn(works);
    await expect(
      policyWith().execute(work, { signal: AbortSignal.abort(new Error('gone')) }),
    ).rejects.toThrow('gone');
    expect(work).not.toHaveBeenCalled();
  });

  it('is made again as often as allowed, within the time for all tries', async () => {
    const onRetry = jest.fn();
    const policy = createPolicy({ name: 'posts', timeoutMs: 10_000, retries: 2, hooks: { onRetry } });
    let tries = 0;
    const call = policy.execute(() => ((tries += 1) < 3 ? fails() : 'third time'));
    await jest.advanceTimersByTimeAsync(5_000);
    await expect(call).resolves.toBe('third time');
    expect(onRetry).toHaveBeenCalledTimes(2);
  });

  it('is not made again for an error that is the caller’s own, nor after the circuit has opened', async () => {
    const policy = createPolicy({ name: 'posts', timeoutMs: 60_000, retries: 20 });
    const mistake = jest.fn(() => Promise.reject(problems.notFound('post')));
    await expect(policy.execute(mistake)).rejects.toMatchObject({ status: 404 });
    expect(mistake).toHaveBeenCalledTimes(1);
    const failing = jest.fn(fails);
    const call = expect(policy.execute(failing)).rejects.toMatchObject({ status: 503 });
    await jest.advanceTimersByTimeAsync(60_000);
    await call;
    expect(failing).toHaveBeenCalledTimes(5);
  });

  it('is refused when too many are under way', async () => {
    const onRejected = jest.fn();
    const policy = createPolicy({
      name: 'posts',
      timeoutMs: 1_000,
      bulkhead: { limit: 1, queue: 1 },
      hooks: { onRejected },
    });
    const first = Promise.withResolvers<string>();
    const running = policy.execute(() => first.promise);
    const queued = policy.execute(works);
    await expect(policy.execute(works)).rejects.toMatchObject({ status: 503 });
    expect(onRejected).toHaveBeenCalledWith({ name: 'posts', reason: 'bulkhead-full' });
    first.resolve('first');
    await expect(Promise.all([running, queued])).resolves.toEqual(['first', 'answer']);
    expect(policy.state()).toBe('closed');
  });

  it('is made once where it must not happen twice', async () => {
    const policy = createPolicy({ name: 'posts', timeoutMs: 10_000, retries: 3 });
    const failing = jest.fn(fails);
    await expect(policy.execute(failing, { retry: false })).rejects.toThrow('down');
    expect(failing).toHaveBeenCalledTimes(1);
  });

  it('has a limit for each try too, so that one that hangs leaves time for the next', async () => {
    const policy = createPolicy({ name: 'posts', timeoutMs: 10_000, attemptTimeoutMs: 500, retries: 1 });
    let tries = 0;
    const told: boolean[] = [];
    const call = policy.execute(({ signal }) => {
      signal.addEventListener('abort', () => told.push(true));
      return (tries += 1) < 2 ? hangs() : 'second time';
    });
    await jest.advanceTimersByTimeAsync(1_000);
    await expect(call).resolves.toBe('second time');
    expect(told).toEqual([true]);
  });

  it('leaves the dependency alone for as long as that asks, unless there is no time for it', async () => {
    const onRetry = jest.fn();
    const asked = (ms: number) => Promise.reject(Object.assign(new Error('busy'), { ms }));
    const policy = createPolicy({
      name: 'posts',
      timeoutMs: 5_000,
      retries: 1,
      retryAfterMs: (error) => (error as { ms: number }).ms,
      hooks: { onRetry },
    });
    const call = expect(policy.execute(() => asked(3_000))).rejects.toThrow('busy');
    await jest.advanceTimersByTimeAsync(3_000);
    await call;
    expect(onRetry).toHaveBeenCalledWith({ name: 'posts', attempt: 1, delayMs: 3_000 });
    const work = jest.fn(() => asked(5_000));
    await expect(policy.execute(work)).rejects.toThrow('busy');
    expect(work).toHaveBeenCalledTimes(1);
  });

  it('runs in its caller’s context, however long it waited for others', async () => {
    const policy = createPolicy({ name: 'posts', timeoutMs: 1_000, bulkhead: { limit: 1, queue: 10 } });
    const request = new AsyncLocalStorage<string>();
    const names = ['a', 'b', 'c', 'd'];
    const seen = names.map((name) =>
      request.run(name, () => policy.execute(() => Promise.resolve(request.getStore()))),
    );
    expect(await Promise.all(seen)).toEqual(names);
  });

  it('tells of each failed try', async () => {
    const onFailure = jest.fn();
    await failTimes(policyWith({ onFailure }), 1);
    expect(onFailure).toHaveBeenCalledWith({ name: 'redis', error: new Error('down') });
  });
});
