import { atEvenTime } from './even-times';

const stepMs = 25;

/** Node's own timers are early or late by a millisecond, and those of a busy machine late by any time. */
async function stepsOf(work: () => Promise<unknown>): Promise<number> {
  const begunAt = performance.now();
  await atEvenTime(work).catch(() => undefined);
  return (performance.now() - begunAt + 2) / stepMs;
}

const busyFor = (ms: number) => {
  const until = performance.now() + ms;
  while (performance.now() < until);
  return Promise.resolve('done');
};

it('settles as the work does', async () => {
  await expect(atEvenTime(() => Promise.resolve('done'))).resolves.toBe('done');
  await expect(atEvenTime(() => Promise.reject(new Error('it broke')))).rejects.toThrow('it broke');
});

it.each([
  ['that is done at once', () => Promise.resolve()],
  ['that fails', () => Promise.reject(new Error('it broke'))],
  ['that takes a while', () => busyFor(20)],
])('ends work %s no sooner than the first even time', async (_, work) => {
  expect(await stepsOf(work)).toBeGreaterThanOrEqual(1);
});

it('ends work that takes longer no sooner than the second', async () => {
  expect(await stepsOf(() => busyFor(stepMs + 5))).toBeGreaterThanOrEqual(2);
});
