import { waitFor } from '@rostrum/testing';
import { RetryBudget } from './retry-budget';

function takeAll(budget: RetryBudget): number {
  let taken = 0;
  while (budget.take()) taken += 1;
  return taken;
}

it('is what has been saved up, and then a share of the calls', () => {
  const budget = new RetryBudget({ share: 0.25, most: 3, perSecond: 0 });
  expect(takeAll(budget)).toBe(3);
  for (let calls = 0; calls < 8; calls += 1) budget.noteCall();
  expect(takeAll(budget)).toBe(2);
  for (let calls = 0; calls < 1_000; calls += 1) budget.noteCall();
  expect(takeAll(budget)).toBe(3);
});

it('grows a little by itself', async () => {
  const budget = new RetryBudget({ share: 0, most: 2, perSecond: 50 });
  takeAll(budget);
  await waitFor(() => budget.take());
});
