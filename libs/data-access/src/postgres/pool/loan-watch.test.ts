import { LoanWatch, type Leak, type Loan } from './loan-watch';

let leaks: Leak[];
let watch: LoanWatch;

beforeEach(() => {
  leaks = [];
  watch = new LoanWatch(100, (leak) => leaks.push(leak));
});

function acquire(now: number): Loan {
  return watch.begin(now, acquire);
}

function forgetfulCaller(): Loan {
  return acquire(1_000);
}

it('tells once, when the time is over, where it was taken', () => {
  forgetfulCaller();
  watch.check(1_099);
  expect(leaks).toEqual([]);
  watch.check(1_100);
  watch.check(5_000);
  expect(leaks).toEqual([{ seconds: 0.1, stack: expect.stringContaining('forgetfulCaller') as string }]);
});

it('says nothing of what was given back, and counts from when it was given', () => {
  watch.end(acquire(0));
  const waited = acquire(0);
  waited.since = 950;
  watch.check(1_000);
  expect(leaks).toEqual([]);
  watch.check(1_050);
  expect(leaks).toHaveLength(1);
});
