import { MessageBudget } from './message-budget';

const rate = { perSecond: 50, burst: 100 };

/** How many messages pass when so many come, evenly spread over a time. */
function passing(
  budget: MessageBudget,
  { count, from, ms }: { count: number; from: number; ms: number },
): number {
  let passed = 0;
  for (let i = 0; i < count; i += 1) if (budget.take(from + (i * ms) / count)) passed += 1;
  return passed;
}

describe('a message budget', () => {
  it('lets the burst pass at once and no more', () => {
    expect(passing(new MessageBudget(rate, 0), { count: 500, from: 0, ms: 0 })).toBe(100);
  });

  it('lets the rate pass for ever', () => {
    const budget = new MessageBudget(rate, 0);
    expect(passing(budget, { count: 5000, from: 0, ms: 100_000 })).toBe(5000);
  });

  it('lets no more than the rate pass once the burst is gone', () => {
    const budget = new MessageBudget(rate, 0);
    passing(budget, { count: 100, from: 0, ms: 0 });
    const passed = passing(budget, { count: 1000, from: 0, ms: 10_000 });
    expect(passed).toBeGreaterThanOrEqual(498);
    expect(passed).toBeLessThanOrEqual(500);
  });

  it('is full again after silence, and never more than full', () => {
    const budget = new MessageBudget(rate, 0);
    passing(budget, { count: 100, from: 0, ms: 0 });
    expect(passing(budget, { count: 500, from: 3_600_000, ms: 0 })).toBe(100);
  });
});
