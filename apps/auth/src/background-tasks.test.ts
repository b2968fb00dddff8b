import { BackgroundTasks } from './background-tasks';

it('does what nobody waits for, and is idle when all of it is done', async () => {
  const done: number[] = [];
  const tasks = new BackgroundTasks(jest.fn());
  const gate = Promise.withResolvers<void>();
  tasks.run(async () => {
    await gate.promise;
    done.push(1);
  });
  const idle = tasks.idle().then(() => done.push(2));
  gate.resolve();
  await idle;
  expect(done).toEqual([1, 2]);
});

it('tells of what fails, and goes on', async () => {
  const errors: unknown[] = [];
  const tasks = new BackgroundTasks((error) => errors.push(error));
  tasks.run(() => Promise.reject(new Error('it broke')));
  await tasks.idle();
  expect(errors).toEqual([new Error('it broke')]);
});

it('does no more at once than it may', async () => {
  const tasks = new BackgroundTasks(jest.fn(), 2);
  const gate = Promise.withResolvers<void>();
  const work = jest.fn(() => gate.promise);
  for (let i = 0; i < 5; i += 1) tasks.run(work);
  gate.resolve();
  await tasks.idle();
  expect(work).toHaveBeenCalledTimes(2);
  tasks.run(work);
  await tasks.idle();
  expect(work).toHaveBeenCalledTimes(3);
});

it('begins after what is under way in this turn', async () => {
  const seen: string[] = [];
  const tasks = new BackgroundTasks(jest.fn());
  tasks.run(() => Promise.resolve(seen.push('work')));
  await Promise.resolve().then(() => seen.push('answer'));
  await tasks.idle();
  expect(seen).toEqual(['answer', 'work']);
});
