import fc from 'fast-check';
import { everythingBrought, feedByTables, placesOf } from './feed-app';
import { FeedHistory, type Step } from './feed-history';
import { PostsApp } from './posts-app';

const people = 6;
const lanes = 4;
/** Each is a few hundred requests, on a machine that may be busy. */
const histories = 4;
const longTestMs = 240_000;

const who = fc.nat(people - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('read' as const), who }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('post' as const), who }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('follow' as const), who, whom: who }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('unfollow' as const), who, whom: who }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('block' as const, 'unblock' as const), who, whom: who }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), who, which: fc.nat(5) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('repost' as const), who, which: fc.nat(50) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('unrepost' as const), who, which: fc.nat(50) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'forget' as const }) },
);
const history = fc.array(fc.array(step, { minLength: 40, maxLength: 60, size: 'max' }), {
  minLength: lanes,
  maxLength: lanes,
});

let app: PostsApp;

beforeAll(async () => {
  app = await PostsApp.start();
  // Half of them become pulled in some of the histories.
  await app.startWorker({ FEED_PULL_FROM_FOLLOWERS: '4', FEED_FAN_OUT_BATCH: '1' });
});
afterAll(() => app.stop());

it(
  'shows nobody what they must not see, loses nothing that has been seen, and comes to what the tables say',
  async () => {
    let readings = 0;
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        const callers = await Promise.all(Array.from({ length: people }, () => app.member('person')));
        const model = new FeedHistory(app, callers);
        await Promise.all(steps.map((lane) => model.run(lane)));
        readings += model.readings.length;
        expect(model.problems()).toEqual([]);
        await everythingBrought(app);
        for (const caller of callers) {
          for (const limit of [3, 100])
            expect(await placesOf(caller, limit)).toEqual(await feedByTables(app, caller.id, limit));
        }
      }),
      { numRuns: histories, endOnFailure: true },
    );
    process.stdout.write(`${readings} feeds read in ${histories} histories\n`);
  },
  longTestMs,
);
