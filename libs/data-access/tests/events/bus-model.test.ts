import { randomUUID } from 'node:crypto';
import { waitFor } from '@rostrum/testing';
import fc from 'fast-check';
import type { Delivery, EventBus, GroupMember } from '../../src';
import { seed } from './chance';
import { engineKinds, newStream, type Engine } from './engines';

const partitions = 2;
const all = [0, 1];
const groups = ['first', 'second'] as const;
type Group = (typeof groups)[number];

/** What can happen to a stream, in any order. */
type Step =
  | { do: 'publish'; key: string; count: number }
  | { do: 'handle' | 'refuse'; group: Group; max: number }
  /** Another member becomes the owner; the one before it is told nothing. */
  | { do: 'take over'; group: Group }
  /** One that was the owner once, and does not know better, asks for events. */
  | { do: 'ask though not the owner'; group: Group; max: number }
  | { do: 'trim' };

const group = fc.constantFrom(...groups);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('publish' as const),
      key: fc.constantFrom('a', 'b', 'c', 'd'),
      count: fc.integer({ min: 1, max: 5 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom('handle' as const, 'refuse' as const),
      group,
      max: fc.integer({ min: 1, max: 8 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('take over' as const), group }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('ask though not the owner' as const),
      group,
      max: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'trim' as const }) },
);

/** A stream under these steps, and what each group has made of it. */
class Run {
  private readonly stream = newStream();
  private readonly published = new Map<string, string[]>();
  private readonly handled: Record<Group, { key: string; id: string }[]> = { first: [], second: [] };
  private readonly members: Record<Group, GroupMember[]> = { first: [], second: [] };

  private constructor(
    private readonly bus: EventBus,
    private readonly engine: Engine,
  ) {}

  static async begin(bus: EventBus, engine: Engine): Promise<Run> {
    const run = new Run(bus, engine);
    for (const each of groups) {
      run.takeOver(each);
      // The group is there from now on.
      await run.handle(each, 1, false);
    }
    return run;
  }

  async perform(step: Step): Promise<void> {
    if (step.do === 'publish') await this.publish(step.key, step.count);
    else if (step.do === 'trim') await this.bus.trim(this.stream, new Date(Date.now() + 60_000));
    else if (step.do === 'take over') this.takeOver(step.group);
    else if (step.do === 'ask though not the owner') {
      const [stale] = this.members[step.group];
      if (this.members[step.group].length > 1) await stale?.fetch({ ...request, max: step.max });
    } else await this.handle(step.group, step.max, step.do === 'refuse');
  }

  /** Those that are no owners hear of it, and whoever is the owner handles all that is left. */
  async finish(): Promise<void> {
    for (const each of groups) {
      for (const stale of this.members[each].slice(0, -1)) all.forEach((partition) => stale.drop(partition));
      await waitFor(
        async () => {
          await this.handle(each, 50, false);
          return (await this.bus.lag(this.stream, each)) === 0;
        },
        { timeoutMs: 25_000, what: `the end of ${each}` },
      );
    }
    await Promise.all(Object.values(this.members).flatMap((some) => some.map((member) => member.close())));
  }

  /** Each group has had each event, those of a key in their order; the inbox knows those that come twice. */
  assertNothingLost(): void {
    for (const each of groups) {
      for (const [key, ids] of this.published) {
        const seen = this.handled[each].filter((one) => one.key === key).map(({ id }) => id);
        expect([...new Set(seen)]).toEqual(ids);
      }
    }
  }

  private async publish(key: string, count: number): Promise<void> {
    const events = Array.from({ length: count }, () => ({
      ...{ id: randomUUID(), type: 't', version: 1, key, occurredAt: new Date().toISOString() },
      payload: '{}',
    }));
    await this.bus.publish(this.stream, events);
    this.published.set(key, [...(this.published.get(key) ?? []), ...events.map(({ id }) => id)]);
  }

  private takeOver(each: Group): void {
    const name = `member-${this.members[each].length}`;
    const member = this.engine.open({ partitions }).join({ stream: this.stream, group: each, member: name });
    for (const partition of all) member.take(partition);
    this.members[each].push(member);
  }

  private async handle(each: Group, max: number, refuse: boolean): Promise<void> {
    const owner = this.members[each].at(-1);
    const deliveries = (await owner?.fetch({ ...request, max })) ?? [];
    for (const partition of all) {
      const own = deliveries.filter((delivery) => delivery.partition === partition);
      if (refuse) await owner?.refuse(own);
      else await this.apply(each, own, owner);
    }
  }

  private async apply(each: Group, deliveries: Delivery[], owner: GroupMember | undefined): Promise<void> {
    for (const { event } of deliveries) {
      if (event) this.handled[each].push({ key: event.key, id: event.id });
    }
    await owner?.acknowledge(deliveries);
  }
}

const request = { partitions: all, waitMs: 5 };

describe.each(engineKinds)('$name, whatever happens in whatever order', ({ name, start }) => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await start();
  });
  afterAll(() => engine.close());

  it('loses no event, and keeps the order of each key for each group', async () => {
    const bus = engine.open({ partitions });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const run = await Run.begin(bus, engine);
        for (const each of steps) await run.perform(each);
        await run.finish();
        run.assertNothingLost();
      }),
      { seed, numRuns: name === 'Redis' ? 15 : 4, endOnFailure: true },
    );
  }, 120_000);
});
