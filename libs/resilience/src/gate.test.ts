import { createGate, type Gate, type GateOptions } from './index';

beforeEach(() => jest.useFakeTimers());
afterEach(() => {
  jest.useRealTimers();
  for (const gate of opened.splice(0)) gate.dispose();
});

const opened: Gate[] = [];
const pass = () => jest.advanceTimersByTimeAsync(0);

function open(options: Partial<GateOptions> = {}) {
  const states: string[] = [];
  const probe = jest.fn(() => Promise.reject(new Error('still down')) as Promise<unknown>);
  const gate = createGate({
    name: 'redis',
    probe,
    ...options,
    hooks: { onStateChange: ({ state }) => states.push(state), ...options.hooks },
  });
  opened.push(gate);
  return { gate, states, probe };
}

async function fail(gate: Gate, times: number): Promise<void> {
  for (let i = 0; i < times; i += 1) gate.failed(new Error('down'), performance.now());
  await pass();
}

describe('a gate', () => {
  it('lets everything through until the fifth failure, then answers at once and says what is down', async () => {
    const onRejected = jest.fn();
    const onFailure = jest.fn();
    const { gate, states } = open({ hooks: { onRejected, onFailure } });
    await fail(gate, 4);
    expect(gate.refusal()).toBeUndefined();
    await fail(gate, 1);
    expect(gate.refusal()).toMatchObject({ code: 'REDIS_UNAVAILABLE', status: 503, retryAfterSeconds: 1 });
    expect((gate.refusal() as Error).cause).toMatchObject({
      message: 'The circuit breaker redis is open',
      cause: { message: 'down' },
    });
    expect(states).toEqual(['open']);
    expect(onFailure).toHaveBeenCalledTimes(5);
    expect(onRejected).toHaveBeenCalledWith({ name: 'redis', reason: 'circuit-open' });
  });

  it('asks the probe every second and opens as soon as that answers, long before its time', async () => {
    const { gate, states, probe } = open();
    await fail(gate, 5);
    await jest.advanceTimersByTimeAsync(5_000);
    expect(probe.mock.calls.length).toBeGreaterThanOrEqual(4);
    expect(probe.mock.calls.length).toBeLessThanOrEqual(6);
    expect(gate.refusal()).toBeDefined();
    probe.mockImplementation(() => Promise.resolve());
    await jest.advanceTimersByTimeAsync(1_200);
    expect(gate.refusal()).toBeUndefined();
    expect(states).toEqual(['open', 'half-open', 'closed']);
    const { length } = probe.mock.calls;
    await jest.advanceTimersByTimeAsync(10_000);
    expect(probe.mock.calls).toHaveLength(length);
    await fail(gate, 4);
    expect(gate.refusal()).toBeUndefined();
  });

  it('is half-open after thirty seconds, with the probe as its trial', async () => {
    const { gate, states } = open();
    await fail(gate, 5);
    await jest.advanceTimersByTimeAsync(29_000);
    expect(states).toEqual(['open']);
    await jest.advanceTimersByTimeAsync(2_500);
    expect(states).toEqual(['open', 'half-open', 'open']);
    expect(gate.refusal()).toBeDefined();
  });

  it('asks one probe at a time, and at once when there was a sign of life', async () => {
    const { gate, probe } = open();
    gate.probeNow();
    expect(probe).not.toHaveBeenCalled();
    await fail(gate, 5);
    const answer = Promise.withResolvers<undefined>();
    probe.mockImplementation(() => answer.promise);
    gate.probeNow();
    gate.probeNow();
    await jest.advanceTimersByTimeAsync(5_000);
    expect(probe).toHaveBeenCalledTimes(1);
    answer.resolve(undefined);
    await pass();
    expect(gate.state()).toBe('closed');
  });

  it('believes a probe less when what it found well is broken for callers, but never for ten seconds', async () => {
    const { gate, probe } = open();
    probe.mockImplementation(() => Promise.resolve());
    const probes: number[] = [];
    for (let i = 0; i < 5; i += 1) {
      probe.mockClear();
      await fail(gate, 5);
      await jest.advanceTimersByTimeAsync(5_000);
      expect(gate.state()).toBe('closed');
      probes.push(probe.mock.calls.length);
    }
    expect(probes).toEqual([1, 2, 4, 4, 4]);
    await jest.advanceTimersByTimeAsync(20_000);
    await fail(gate, 5);
    await jest.advanceTimersByTimeAsync(1_300);
    expect(gate.state()).toBe('closed');
  });

  it('does not count calls that were begun before it closed', async () => {
    const { gate } = open();
    const before = performance.now();
    await fail(gate, 5);
    await jest.advanceTimersByTimeAsync(10);
    gate.reset();
    for (let i = 0; i < 5; i += 1) gate.failed(new Error('cut'), before);
    await pass();
    expect(gate.refusal()).toBeUndefined();
  });

  it('is held open by hand, whatever the probe says, until it is reset', async () => {
    const { gate, states, probe } = open();
    probe.mockImplementation(() => Promise.resolve());
    gate.forceOpen();
    expect((gate.refusal() as Error).cause).toMatchObject({
      message: 'The circuit breaker redis is held open',
    });
    await jest.advanceTimersByTimeAsync(60_000);
    await fail(gate, 5);
    expect(gate.state()).toBe('forced-open');
    gate.reset();
    expect(gate.refusal()).toBeUndefined();
    expect(states).toEqual(['forced-open', 'closed']);
  });

  it('is reset by hand while it is open', async () => {
    const { gate, states } = open();
    await fail(gate, 5);
    gate.reset();
    expect(gate.refusal()).toBeUndefined();
    await fail(gate, 4);
    expect(states).toEqual(['open', 'closed']);
  });
});

describe('those who watch the health of what is behind a gate', () => {
  it('ask past it, and count', async () => {
    const { gate, probe } = open();
    probe.mockImplementation(() => Promise.resolve());
    await gate.check();
    probe.mockImplementation(() => Promise.reject(new Error('no answer')));
    for (let i = 0; i < 5; i += 1) await expect(gate.check()).rejects.toThrow('no answer');
    await pass();
    expect(gate.state()).toBe('open');
  });

  it('hear that it is shut though the dependency answers', async () => {
    const { gate, probe } = open();
    probe.mockImplementation(() => Promise.resolve());
    gate.forceOpen();
    await expect(gate.check()).rejects.toMatchObject({ code: 'REDIS_UNAVAILABLE' });
  });
});
