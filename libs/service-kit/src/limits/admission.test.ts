import { problems } from '@rostrum/errors';
import { Admission } from './admission';
import { LimitPolicy } from './limit-policy';

const policy = new LimitPolicy({ name: 'api', quota: 100, windowMs: 60_000 });
const refusal = problems.tooManyRequests(7);

/** Refused where nothing remains, or Redis is silent. */
const newAdmission = () =>
  new Admission(policy, 'ada', {
    judged: ({ remaining }) => (remaining < 0 ? refusal : undefined),
    decideLocally: () => refusal,
  });

/** What becomes of a promise, without waiting for it. */
function outcomeOf(promise: Promise<void>) {
  const outcome: { state: string; error?: unknown } = { state: 'open' };
  promise.then(
    () => (outcome.state = 'done'),
    (error: unknown) => Object.assign(outcome, { state: 'failed', error }),
  );
  return outcome;
}

const later = () => new Promise((resolve) => setImmediate(resolve));

describe('work that waits for its admission', () => {
  it('begins when it is admitted', async () => {
    const admission = newAdmission();
    const work = jest.fn();
    const outcome = outcomeOf(admission.before(work));
    await later();
    expect(work).not.toHaveBeenCalled();
    admission.onVerdict(5, 1000);
    await later();
    expect(work).toHaveBeenCalledTimes(1);
    expect(outcome.state).toBe('done');
  });

  it.each([
    ['refused', (admission: Admission) => admission.onVerdict(-1, 1000)],
    ['not decided by Redis, and refused here', (admission: Admission) => admission.onSilence()],
  ])('never begins when it is %s', async (_, decide) => {
    const admission = newAdmission();
    const work = jest.fn();
    const outcome = outcomeOf(admission.before(work));
    decide(admission);
    await later();
    expect(outcome).toEqual({ state: 'failed', error: refusal });
    expect(work).not.toHaveBeenCalled();
  });
});
