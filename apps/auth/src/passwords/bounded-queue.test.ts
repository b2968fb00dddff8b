import { isAppError } from '@rostrum/errors';
import { BoundedQueue } from './bounded-queue';

/** Work that goes on until it is told to end. */
function job() {
  const end = Promise.withResolvers<string>();
  const work = jest.fn(() => end.promise);
  return { work, end };
}

/** Lets everything that can go on, go on. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

it('does as much at once as it may, and the rest in the order in which it came', async () => {
  const queue = new BoundedQueue({ name: 'hashing', concurrency: 2, maxWaiting: 2 });
  const jobs = [job(), job(), job(), job()];
  const results = jobs.map(({ work }) => queue.run(work));
  await settle();
  expect(jobs.map(({ work }) => work.mock.calls.length)).toEqual([1, 1, 0, 0]);
  expect(queue).toMatchObject({ active: 2, waiting: 2 });

  jobs[1]?.end.resolve('second');
  expect(await results[1]).toBe('second');
  await settle();
  expect(jobs.map(({ work }) => work.mock.calls.length)).toEqual([1, 1, 1, 0]);

  for (const { end } of jobs) end.resolve('done');
  expect(await Promise.all(results)).toEqual(['done', 'second', 'done', 'done']);
  expect(queue).toMatchObject({ active: 0, waiting: 0 });
});

it('refuses at once what it has no room for, and takes more when there is room', async () => {
  const queue = new BoundedQueue({ name: 'hashing', concurrency: 1, maxWaiting: 1 });
  const [first, second] = [job(), job()];
  const accepted = [queue.run(first.work), queue.run(second.work)];
  const refused = job();
  const error: unknown = await queue.run(refused.work).catch((reason: unknown) => reason);
  expect(isAppError(error) && error).toMatchObject({
    status: 503,
    code: 'HASHING_UNAVAILABLE',
    retryAfterSeconds: 1,
  });
  expect(refused.work).not.toHaveBeenCalled();

  first.end.resolve('done');
  second.end.resolve('done');
  await Promise.all(accepted);
  expect(await queue.run(() => Promise.resolve('again'))).toBe('again');
});

it('goes on after work that fails', async () => {
  const queue = new BoundedQueue({ name: 'hashing', concurrency: 1, maxWaiting: 1 });
  const failing = queue.run(() => Promise.reject(new Error('it broke')));
  const next = queue.run(() => Promise.resolve('fine'));
  await expect(failing).rejects.toThrow('it broke');
  expect(await next).toBe('fine');
  expect(queue).toMatchObject({ active: 0, waiting: 0 });
});

describe('a caller who gives up', () => {
  it('while waiting makes room, and its work is never begun', async () => {
    const queue = new BoundedQueue({ name: 'hashing', concurrency: 1, maxWaiting: 1 });
    const [first, second, third] = [job(), job(), job()];
    const running = queue.run(first.work);
    const caller = new AbortController();
    const waiting = queue.run(second.work, caller.signal);
    caller.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    expect(queue.waiting).toBe(0);

    const next = queue.run(third.work);
    first.end.resolve('done');
    third.end.resolve('done');
    await Promise.all([running, next]);
    expect(second.work).not.toHaveBeenCalled();
  });

  it('while its work goes on keeps its place taken: the thread is busy all the same', async () => {
    const queue = new BoundedQueue({ name: 'hashing', concurrency: 1, maxWaiting: 1 });
    const [first, second] = [job(), job()];
    const caller = new AbortController();
    const running = queue.run(first.work, caller.signal);
    await settle();
    caller.abort();
    const waiting = queue.run(second.work);
    await settle();
    expect(second.work).not.toHaveBeenCalled();
    first.end.resolve('done');
    second.end.resolve('done');
    await Promise.all([running, waiting]);
  });

  it('before it began is not even let in', async () => {
    const queue = new BoundedQueue({ name: 'hashing', concurrency: 1, maxWaiting: 1 });
    const { work } = job();
    await expect(queue.run(work, AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
    expect(work).not.toHaveBeenCalled();
  });
});

describe('results in company', () => {
  const inCompany = (most: number, holdMs: number) =>
    new BoundedQueue({ name: 'hashing', concurrency: 1, maxWaiting: 8, company: { most, holdMs } });

  /** What has come back, in its order, of jobs that end one after the other. */
  function runAll(queue: BoundedQueue, count: number) {
    const back: number[] = [];
    const jobs = Array.from({ length: count }, job);
    const done = jobs.map(({ work }, n) => queue.run(work).then(() => back.push(n)));
    const finish = async (n: number) => {
      jobs[n]?.end.resolve('done');
      await settle();
    };
    return { back, done, finish };
  }

  it('come back together while others wait, and the next work does not wait for that', async () => {
    const queue = inCompany(3, 3_600_000);
    const { back, finish } = runAll(queue, 8);
    const seen: number[][] = [];
    for (let n = 0; n < 8; n += 1) {
      await finish(n);
      seen.push([...back]);
      expect(queue.active).toBe(n < 7 ? 1 : 0);
    }
    const whole = [0, 1, 2, 3, 4, 5, 6, 7];
    expect(seen.map(({ length }) => length)).toEqual([0, 0, 3, 3, 3, 6, 7, 8]);
    expect(back.toSorted()).toEqual(whole);
  });

  it('come back at once where nobody waits', async () => {
    const { back, finish } = runAll(inCompany(3, 3_600_000), 1);
    await finish(0);
    expect(back).toEqual([0]);
  });

  it('are not kept for ever by work that takes long', async () => {
    const { back, done, finish } = runAll(inCompany(3, 1), 3);
    await finish(0);
    await done[0];
    expect(back).toEqual([0]);
  });

  it('come back also when the work of another fails', async () => {
    const queue = inCompany(2, 3_600_000);
    const first = job();
    const kept = queue.run(first.work);
    const failing = queue.run(() => Promise.reject(new Error('it broke')));
    const last = queue.run(() => Promise.resolve('fine'));
    first.end.resolve('done');
    await expect(failing).rejects.toThrow('it broke');
    expect(await Promise.all([kept, last])).toEqual(['done', 'fine']);
  });
});
