import { problems, type AppError } from '@rostrum/errors';
import { Admission } from './admission';
import { EarlyAnswer } from './early-answer';
import { LimitPolicy } from './limit-policy';

const policy = new LimitPolicy({ name: 'api', quota: 100, windowMs: 60_000 });
const refusal = problems.tooManyRequests(7);

/** Refused where nothing remains. */
const newAdmission = () =>
  new Admission(policy, 'ada', {
    judged: ({ remaining }) => (remaining < 0 ? refusal : undefined),
    decideLocally: () => refusal,
  });

class Attempt extends EarlyAnswer<string> {
  readonly sent: string[] = [];
  readonly failures: unknown[] = [];
  aborted: unknown;

  constructor(
    readonly given: Admission,
    private readonly produce: () => string | Promise<string>,
    private readonly onSend: () => void = () => undefined,
  ) {
    super(given);
  }

  protected work(): void {
    const answer = this.produce();
    if (typeof answer === 'string') this.onAnswer(answer);
    else
      void answer.then(
        (late) => this.onAnswer(late),
        (error: unknown) => this.onError(error),
      );
  }

  protected send(answer: string): void {
    this.sent.push(answer);
    this.onSend();
  }

  protected fail(error: unknown): void {
    this.failures.push(error);
  }

  protected abort(problem: AppError): void {
    this.aborted = problem;
  }
}

const later = () => new Promise((resolve) => setImmediate(resolve));
const admit = ({ given }: Attempt) => given.onVerdict(5, 1000);
const refuse = ({ given }: Attempt) => given.onVerdict(-1, 1000);

it('holds its answer back until it is admitted', async () => {
  const attempt = new Attempt(newAdmission(), async () => {
    await later();
    return 'answer';
  });
  attempt.begin();
  await later();
  await later();
  expect(attempt.sent).toEqual([]);
  admit(attempt);
  expect(attempt).toMatchObject({ sent: ['answer'], failures: [], aborted: undefined });
});

it('answers at once when it was admitted before it is ready', async () => {
  const end = Promise.withResolvers<string>();
  const attempt = new Attempt(newAdmission(), () => end.promise);
  attempt.begin();
  admit(attempt);
  await later();
  expect(attempt.sent).toEqual([]);
  end.resolve('answer');
  await later();
  expect(attempt).toMatchObject({ sent: ['answer'], failures: [] });
});

it.each(['an answer', 'an error'])(
  'is refused without waiting for its end, aborted, and never heard of (%s)',
  async (kind) => {
    const end = Promise.withResolvers<string>();
    const attempt = new Attempt(newAdmission(), () => end.promise);
    attempt.begin();
    refuse(attempt);
    expect(attempt).toMatchObject({ failures: [refusal], aborted: refusal });
    if (kind === 'an answer') end.resolve('answer');
    else end.reject(new Error('its own'));
    await later();
    expect(attempt).toMatchObject({ sent: [], failures: [refusal] });
  },
);

it.each([
  [
    'at once',
    () => {
      throw new Error('its own');
    },
  ],
  ['later', () => later().then(() => Promise.reject(new Error('its own')))],
])('holds an error of its own back too, thrown %s', async (_, work) => {
  const attempts = [new Attempt(newAdmission(), work), new Attempt(newAdmission(), work)] as const;
  for (const attempt of attempts) attempt.begin();
  await later();
  await later();
  expect(attempts.map(({ failures }) => failures)).toEqual([[], []]);
  admit(attempts[0]);
  refuse(attempts[1]);
  expect(attempts.map(({ failures }) => failures)).toMatchObject([[{ message: 'its own' }], [refusal]]);
});

it('fails with its own error when it was admitted before it failed', async () => {
  const end = Promise.withResolvers<string>();
  const attempt = new Attempt(newAdmission(), () => end.promise);
  attempt.begin();
  admit(attempt);
  end.reject(new Error('its own'));
  await later();
  expect(attempt).toMatchObject({ sent: [], failures: [{ message: 'its own' }] });
});

it('hurts nobody else when its answer cannot be given', async () => {
  const attempt = new Attempt(
    newAdmission(),
    () => 'answer',
    () => {
      throw new Error('no such response');
    },
  );
  attempt.begin();
  expect(() => admit(attempt)).not.toThrow();
  expect(attempt.failures).toMatchObject([{ message: 'no such response' }]);
});

it('is not begun when it is refused already', async () => {
  const work = jest.fn(() => 'answer');
  const attempt = new Attempt(newAdmission(), work);
  refuse(attempt);
  attempt.begin();
  expect(work).not.toHaveBeenCalled();
  expect(attempt).toMatchObject({ sent: [], failures: [refusal] });
});
