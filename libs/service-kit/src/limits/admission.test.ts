import { problems } from '@rostrum/errors';
import { Admission } from './admission';
import { LimitPolicy } from './limit-policy';

const policy = new LimitPolicy({ name: 'api', quota: 100, windowMs: 60_000 });
const refusal = problems.tooManyRequests(7);

/** Refused where nothing remains, or Redis is silent. */
const newAdmission = () =>
  new Admission(policy, 'api:ada', {
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

describe('work that is begun before its admission', () => {
  it('has its answer held back until it is admitted', async () => {
    const admission = newAdmission();
    const answer = jest.fn();
    outcomeOf(
      admission.meanwhile(async () => {
        await later();
        admission.release(answer);
      }),
    );
    await later();
    await later();
    expect(answer).not.toHaveBeenCalled();
    admission.onVerdict(5, 1000);
    expect(answer).toHaveBeenCalledTimes(1);
  });

  it('answers at once when it was admitted before it is ready', async () => {
    const admission = newAdmission();
    const answer = jest.fn();
    outcomeOf(
      admission.meanwhile(async () => {
        await later();
        admission.release(answer);
      }),
    );
    admission.onVerdict(5, 1000);
    expect(answer).not.toHaveBeenCalled();
    await later();
    await later();
    expect(answer).toHaveBeenCalledTimes(1);
  });

  it('is refused without waiting for its end, aborted, and never answers', async () => {
    const admission = newAdmission();
    const answer = jest.fn();
    const end = Promise.withResolvers<void>();
    const exchange = { abort: new AbortController() };
    const outcome = outcomeOf(
      admission.meanwhile(async () => {
        await end.promise;
        admission.release(answer);
      }, exchange),
    );
    admission.onVerdict(-1, 1000);
    await later();
    expect(outcome).toEqual({ state: 'failed', error: refusal });
    expect(exchange.abort.signal.reason).toBe(refusal);
    end.resolve();
    await later();
    expect(answer).not.toHaveBeenCalled();
  });

  it.each([
    [
      'at once',
      () => {
        throw new Error('its own');
      },
    ],
    [
      'later',
      async () => {
        await later();
        throw new Error('its own');
      },
    ],
  ])('has an error of its own, thrown %s, held back too', async (_, work) => {
    const [admitted, refused] = [newAdmission(), newAdmission()];
    const outcomes = [outcomeOf(admitted.meanwhile(work)), outcomeOf(refused.meanwhile(work))];
    await later();
    await later();
    expect(outcomes).toEqual([{ state: 'open' }, { state: 'open' }]);
    admitted.onVerdict(5, 1000);
    refused.onVerdict(-1, 1000);
    await later();
    expect(outcomes).toMatchObject([
      { state: 'failed', error: { message: 'its own' } },
      { state: 'failed', error: refusal },
    ]);
  });

  it('fails with its own error when it was admitted before it failed', async () => {
    const admission = newAdmission();
    const outcome = outcomeOf(
      admission.meanwhile(async () => {
        await later();
        throw new Error('its own');
      }),
    );
    admission.onVerdict(5, 1000);
    await later();
    await later();
    expect(outcome).toMatchObject({ state: 'failed', error: { message: 'its own' } });
  });

  it('hurts nobody else when its answer cannot be given', async () => {
    const admission = newAdmission();
    const outcome = outcomeOf(
      admission.meanwhile(() => {
        admission.release(() => {
          throw new Error('no such response');
        });
      }),
    );
    expect(() => admission.onVerdict(5, 1000)).not.toThrow();
    await later();
    expect(outcome).toMatchObject({ state: 'failed', error: { message: 'no such response' } });
  });

  it('is not begun when it is refused already', async () => {
    const admission = newAdmission();
    admission.onVerdict(-1, 1000);
    const work = jest.fn();
    await expect(admission.meanwhile(work)).rejects.toBe(refusal);
    expect(work).not.toHaveBeenCalled();
  });
});
