import { randomUUID } from 'node:crypto';
import { waitFor } from '@rostrum/testing';
import type { Delivery, EventBus, GroupMember, SerializedEvent } from '../../src';
import { engineKinds, newStream, redisCluster, type Cut, type Engine, type EngineKind } from './engines';

export const partitions = 3;
export const all = [0, 1, 2];
export const replays = partitions;

export const eventOf = (key: string, n: number): SerializedEvent => ({
  id: randomUUID(),
  type: 'thing.happened',
  version: 1,
  key,
  occurredAt: new Date().toISOString(),
  payload: JSON.stringify({ n }),
});

export const eventsOf = (key: string, count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => eventOf(key, from + index));

export const idsOf = (deliveries: readonly Delivery[]) => deliveries.map(({ event }) => event?.id);

/** A bus, a stream that is new to each test, and its members. */
export class BusScene {
  // Both are there from `open` on, which comes before the first test.
  engine!: Engine<Cut>;
  bus!: EventBus;
  stream = newStream();
  private readonly members: GroupMember[] = [];

  async open(start: EngineKind<Cut>['start']): Promise<void> {
    this.engine = await start();
    this.bus = this.engine.open({ partitions });
  }

  /** A member with a connection of its own, and the owner of these partitions. */
  member(group: string, owned: readonly number[] = all, name = 'one'): GroupMember {
    const joined = this.engine.open({ partitions }).join({ stream: this.stream, group, member: name });
    for (const partition of owned) joined.take(partition);
    return this.endsWithTest(joined);
  }

  endsWithTest(member: GroupMember): GroupMember {
    this.members.push(member);
    return member;
  }

  fetch(from: GroupMember, owned: readonly number[] = all, max = 100, waitMs = 100): Promise<Delivery[]> {
    return from.fetch({ partitions: owned, max, waitMs });
  }

  /** Handles what comes, as a consumer does, until there are so many. */
  async handle(from: GroupMember, count: number, owned: readonly number[] = all): Promise<Delivery[]> {
    const handled: Delivery[] = [];
    const some = async () => {
      const deliveries = await this.fetch(from, owned);
      handled.push(...deliveries);
      await this.acknowledge(from, deliveries);
      return handled.length >= count;
    };
    await waitFor(some, { what: `${count} events` });
    return handled;
  }

  async acknowledge(by: GroupMember, deliveries: readonly Delivery[]): Promise<void> {
    for (const partition of [...all, replays]) {
      await by.acknowledge(deliveries.filter((each) => each.partition === partition));
    }
  }

  async endTest(): Promise<void> {
    await Promise.all(this.members.splice(0).map((member) => member.close()));
    this.stream = newStream();
  }
}

const kinds: EngineKind<Cut>[] = [...engineKinds, redisCluster];

/** The same of each engine that a bus may run on. */
export function describeBuses(what: string, tests: (at: BusScene) => void): void {
  describe.each(kinds)(`$name as an event bus: ${what}`, ({ start }) => {
    const scene = new BusScene();
    beforeAll(() => scene.open(start));
    afterEach(() => scene.endTest());
    afterAll(() => scene.engine.close());
    tests(scene);
  });
}
