import { randomUUID } from 'node:crypto';
import { waitFor } from '@rostrum/testing';
import type { Delivery, EventBus, GroupMember, SerializedEvent } from '../../src';
import { engineKinds, newStream, redisCluster, type Cut, type Engine, type EngineKind } from './engines';

const partitions = 3;
const all = [0, 1, 2];
const replays = partitions;
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

const eventOf = (key: string, n: number): SerializedEvent => ({
  id: randomUUID(),
  type: 'thing.happened',
  version: 1,
  key,
  occurredAt: new Date().toISOString(),
  payload: JSON.stringify({ n }),
});
const eventsOf = (key: string, count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => eventOf(key, from + index));
const idsOf = (deliveries: readonly Delivery[]) => deliveries.map(({ event }) => event?.id);

const kinds: EngineKind<Cut>[] = [...engineKinds, redisCluster];

describe.each(kinds)('$name as an event bus', ({ start }) => {
  let engine: Engine<Cut>;
  let bus: EventBus;
  let stream: string;
  const members: GroupMember[] = [];

  beforeAll(async () => {
    engine = await start();
    bus = engine.open({ partitions });
  });
  beforeEach(() => {
    stream = newStream();
  });
  afterEach(async () => {
    await Promise.all(members.splice(0).map((member) => member.close()));
  });
  afterAll(() => engine.close());

  /** A member with a connection of its own, and the owner of these partitions. */
  function member(group: string, owned: readonly number[] = all, name = 'one'): GroupMember {
    const joined = engine.open({ partitions }).join({ stream, group, member: name });
    for (const partition of owned) joined.take(partition);
    members.push(joined);
    return joined;
  }

  const fetch = (from: GroupMember, owned: readonly number[] = all, max = 100, waitMs = 100) =>
    from.fetch({ partitions: owned, max, waitMs });

  /** Handles what comes, as a consumer does, until there are so many. */
  async function handle(from: GroupMember, count: number, owned: readonly number[] = all) {
    const handled: Delivery[] = [];
    await waitFor(
      async () => {
        const deliveries = await fetch(from, owned);
        handled.push(...deliveries);
        await acknowledge(from, deliveries);
        return handled.length >= count;
      },
      { timeoutMs: 20_000, what: `${count} events` },
    );
    return handled;
  }

  async function acknowledge(by: GroupMember, deliveries: readonly Delivery[]) {
    for (const partition of [...all, replays]) {
      await by.acknowledge(deliveries.filter((each) => each.partition === partition));
    }
  }

  describe('an event', () => {
    it('arrives as it was published', async () => {
      const event = { ...eventOf('ключ "k"\n', 1), payload: '{"text":"naïve 🎉 \\" \\n"}', traceparent };
      await bus.publish(stream, [event, eventOf('bare', 2)]);
      const handled = await handle(member('readers'), 2);
      const found = handled.find((each) => each.event?.id === event.id);
      expect(found?.event).toEqual({ ...event, payload: { text: 'naïve 🎉 " \n' } });
      expect(found?.seenBefore).toBe(false);
      const bare = handled.find((each) => each.event?.key === 'bare');
      expect(bare?.event).not.toHaveProperty('traceparent');
    });

    it('is in the partition of its key, whatever the batch and whoever asks', async () => {
      const keys = Array.from({ length: 30 }, (_, index) => `key-${index}`);
      await bus.publish(
        stream,
        keys.map((key) => eventOf(key, 0)),
      );
      await bus.publish(
        stream,
        keys.toReversed().map((key) => eventOf(key, 1)),
      );
      const handled = await handle(member('readers'), 60);
      const places = new Map<string, Set<number>>();
      for (const { event, partition } of handled) {
        const key = event?.key ?? '';
        places.set(key, (places.get(key) ?? new Set()).add(partition));
      }
      expect([...places.values()].every(({ size }) => size === 1)).toBe(true);
      expect(new Set(handled.map(({ partition }) => partition))).toEqual(new Set(all));
    });

    it('of a key comes after those published before it', async () => {
      const published: SerializedEvent[] = [];
      for (let batch = 0; batch < 5; batch += 1) {
        const events = Array.from({ length: 40 }, (_, index) => eventOf(`k${index % 7}`, batch * 40 + index));
        published.push(...events);
        await bus.publish(stream, events);
      }
      const handled = await handle(member('readers'), published.length);
      expect(handled).toHaveLength(published.length);
      for (const key of new Set(published.map((event) => event.key))) {
        const got = handled.filter(({ event }) => event?.key === key);
        expect(idsOf(got)).toEqual(published.filter((event) => event.key === key).map(({ id }) => id));
      }
    });

    it('wakes whoever waits for it', async () => {
      const reader = member('readers');
      expect(await fetch(reader)).toEqual([]);
      const waiting = fetch(reader, all, 100, 30_000);
      const [event] = eventsOf('k', 1);
      await bus.publish(stream, event ? [event] : []);
      expect(idsOf(await waiting)).toEqual([event?.id]);
    });

    it('is given to each group, also to one that is made later', async () => {
      const events = eventsOf('k', 5);
      await bus.publish(stream, events);
      expect(idsOf(await handle(member('first'), 5))).toEqual(events.map(({ id }) => id));
      expect(idsOf(await handle(member('second'), 5))).toEqual(events.map(({ id }) => id));
    });
  });

  describe('what is not acknowledged', () => {
    it('comes again, oldest first and alone, before anything newer', async () => {
      const events = eventsOf('k', 4);
      await bus.publish(stream, events.slice(0, 3));
      const reader = member('readers');
      const first = await waitFor(async () => {
        const found = await fetch(reader);
        return found.length > 0 && found;
      });
      await reader.refuse(first);
      await bus.publish(stream, events.slice(3));
      const again: Delivery[][] = [];
      while (again.flat().length < 4) {
        const deliveries = await fetch(reader);
        if (deliveries.length === 0) continue;
        again.push(deliveries);
        await acknowledge(reader, deliveries);
      }
      expect(idsOf(again.flat())).toEqual(events.map(({ id }) => id));
      expect(again.slice(0, first.length).every(({ length }) => length === 1)).toBe(true);
      expect(again[0]?.[0]?.seenBefore).toBe(true);
    });

    it('comes again as often as it is refused', async () => {
      const [event] = eventsOf('k', 1);
      await bus.publish(stream, event ? [event] : []);
      const reader = member('readers');
      for (let time = 0; time < 8; time += 1) {
        const found = await waitFor(async () => {
          const deliveries = await fetch(reader);
          return deliveries.length > 0 && deliveries;
        });
        expect(idsOf(found)).toEqual([event?.id]);
        await reader.refuse(found);
      }
      await handle(reader, 1);
      expect(await fetch(reader)).toEqual([]);
      await waitFor(async () => (await bus.lag(stream, 'readers')) === 0);
    });

    it('is what the next owner of the partition gets first', async () => {
      const key = 'k';
      const events = eventsOf(key, 6);
      await bus.publish(stream, events.slice(0, 3));
      const dead = member('readers', all, 'dead');
      await waitFor(async () => (await fetch(dead)).length > 0);
      await dead.close();
      await bus.publish(stream, events.slice(3));
      const heir = member('readers', all, 'heir');
      expect(idsOf(await handle(heir, 6))).toEqual(events.map(({ id }) => id));
      expect(await fetch(heir)).toEqual([]);
    });

    it('does not hide behind newer events when a former owner is given it', async () => {
      const events = eventsOf('k', 20);
      // It does not know that it is the owner no longer, and goes on asking.
      const stale = member('readers', all, 'stale');
      await fetch(stale);
      const owner = member('readers', all, 'owner');
      await fetch(owner);
      const handled: Delivery[] = [];
      for (const event of events) {
        const rivals = fetch(stale, all, 1, 50);
        await bus.publish(stream, [event]);
        await rivals;
        const deliveries = await fetch(owner, all, 100, 20);
        handled.push(...deliveries);
        await acknowledge(owner, deliveries);
      }
      await stale.close();
      await waitFor(
        async () => {
          const deliveries = await fetch(owner);
          handled.push(...deliveries);
          await acknowledge(owner, deliveries);
          return handled.length >= events.length;
        },
        { timeoutMs: 25_000 },
      );
      expect(idsOf(handled)).toEqual(events.map(({ id }) => id));
    });
  });

  describe('the lag of a group', () => {
    it('counts what it has not acknowledged, given out or not', async () => {
      await bus.publish(stream, eventsOf('k', 5));
      expect(await bus.lag(stream, 'readers')).toBe(5);
      const reader = member('readers');
      const found = await waitFor(async () => {
        const deliveries = await fetch(reader);
        return deliveries.length > 0 && deliveries;
      });
      expect(await bus.lag(stream, 'readers')).toBe(5);
      await acknowledge(reader, found);
      await waitFor(async () => (await bus.lag(stream, 'readers')) === 5 - found.length);
      await handle(reader, 5 - found.length);
      await waitFor(async () => (await bus.lag(stream, 'readers')) === 0);
    });

    it('is nothing where there is nothing', async () => {
      expect(await bus.lag(stream, 'nobody')).toBe(0);
      expect(await bus.oldestUnacknowledged(stream)).toBeUndefined();
    });
  });

  describe('a dead letter', () => {
    async function bury(group: string, count = 1) {
      const events = eventsOf('k', count);
      await bus.publish(stream, events);
      const reader = member(group, [...all, replays]);
      const buried: Delivery[] = [];
      await waitFor(async () => {
        for (const delivery of await fetch(reader, [...all, replays], 1)) {
          await reader.bury(delivery, { reason: 'TypeError', attempts: 5 });
          buried.push(delivery);
        }
        return buried.length === count;
      });
      return { events, reader, buried };
    }

    it('is off the hands of its group and says what became of it', async () => {
      const { events, reader, buried } = await bury('readers', 3);
      expect(await fetch(reader)).toEqual([]);
      await waitFor(async () => (await bus.lag(stream, 'readers')) === 0);
      const letters = bus.deadLetters(stream, 'readers');
      expect(await letters.count()).toBe(3);
      const list = await letters.list();
      expect(list.map(({ event }) => event?.id)).toEqual(events.map(({ id }) => id));
      expect(list[0]).toEqual({
        id: list[0]?.id,
        event: buried[0]?.event,
        raw: undefined,
        partition: buried[0]?.partition,
        position: buried[0]?.position,
        member: 'one',
        reason: 'TypeError',
        attempts: 5,
        buriedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string,
      });
      expect(await letters.list({ after: list[0]?.id, limit: 1 })).toEqual([list[1]]);
      expect(await letters.get(list[2]?.id ?? '')).toEqual(list[2]);
    });

    it('that is replayed goes to its group alone, and is no letter any more', async () => {
      const { events, reader } = await bury('readers');
      const others = member('others', [...all, replays], 'other');
      await handle(others, 1, [...all, replays]);
      const letters = bus.deadLetters(stream, 'readers');
      const [letter] = await letters.list();
      expect(await letters.replay(letter?.id ?? '')).toBe(true);
      expect(await letters.count()).toBe(0);
      expect(await bus.lag(stream, 'readers')).toBe(1);
      await waitFor(async () => (await bus.lag(stream, 'others')) === 0);
      const again = await handle(reader, 1, [...all, replays]);
      expect(idsOf(again)).toEqual([events[0]?.id]);
      expect(again[0]?.partition).toBe(replays);
      expect(await fetch(others, [...all, replays])).toEqual([]);
    });

    it('can die again, and be replayed again', async () => {
      const { events, reader } = await bury('readers');
      const letters = bus.deadLetters(stream, 'readers');
      for (let life = 0; life < 2; life += 1) {
        const [letter] = await letters.list();
        expect(await letters.replay(letter?.id ?? '')).toBe(true);
        const [delivery] = await waitFor(async () => {
          const found = await fetch(reader, [...all, replays]);
          return found.length > 0 && found;
        });
        expect(delivery?.event?.id).toBe(events[0]?.id);
        if (delivery) await reader.bury(delivery, { reason: 'Error', attempts: 1 });
        expect(await letters.count()).toBe(1);
      }
    });

    it('that is discarded is gone', async () => {
      await bury('readers');
      const letters = bus.deadLetters(stream, 'readers');
      const [letter] = await letters.list();
      expect(await letters.discard(letter?.id ?? '')).toBe(true);
      expect(await letters.discard(letter?.id ?? '')).toBe(false);
      expect(await letters.replay(letter?.id ?? '')).toBe(false);
      expect(await letters.list()).toEqual([]);
    });

    it.each(['', '0', '999999-0', '12345', 'x', '-', '+', '1 or 1'])(
      'that does not exist is told so: %j',
      async (id) => {
        await bury('readers');
        const letters = bus.deadLetters(stream, 'others');
        expect(await letters.get(id)).toBeUndefined();
        expect(await letters.replay(id)).toBe(false);
        expect(await letters.discard(id)).toBe(false);
        expect(await bus.deadLetters(stream, 'readers').count()).toBe(1);
      },
    );

    it('is no other group’s', async () => {
      await bury('readers');
      const [letter] = await bus.deadLetters(stream, 'readers').list();
      const others = bus.deadLetters(stream, 'others');
      expect(await others.count()).toBe(0);
      expect(await others.list()).toEqual([]);
      expect(await others.discard(letter?.id ?? '')).toBe(false);
    });
  });

  it('hands on what is no event, to be set aside', async () => {
    const reader = member('readers');
    await fetch(reader);
    await engine.putRaw(stream, 1, 'thing');
    const [delivery] = await waitFor(async () => {
      const found = await fetch(reader);
      return found.length > 0 && found;
    });
    expect(delivery).toMatchObject({ partition: 1, event: undefined });
    if (delivery) await reader.bury(delivery, { reason: 'UNREADABLE', attempts: 1 });
    const [letter] = await bus.deadLetters(stream, 'readers').list();
    expect(letter).toMatchObject({ event: undefined, reason: 'UNREADABLE' });
    expect(letter?.raw).toContain('thing');
  });

  describe('a stream', () => {
    it('is trimmed of what every group has acknowledged, and of nothing else', async () => {
      const events = eventsOf('k', 450);
      await bus.publish(stream, events);
      const [fast, slow] = [member('fast'), member('slow', all, 'two')];
      await handle(fast, 450);
      const held = await waitFor(async () => {
        const found = await fetch(slow, all, 1);
        return found.length > 0 && found;
      });
      await bus.trim(stream, new Date(Date.now() + 60_000));
      expect(await engine.lengthOf(stream, partitions)).toBe(450);
      await acknowledge(slow, held);
      const rest = await handle(slow, 450 - held.length);
      expect(idsOf([...held, ...rest])).toEqual(events.map(({ id }) => id));
      await bus.trim(stream, new Date(Date.now() - 60_000));
      expect(await engine.lengthOf(stream, partitions)).toBe(450);
      await waitFor(async () => (await bus.lag(stream, 'slow')) === 0);
      await bus.trim(stream, new Date(Date.now() + 60_000));
      expect(await engine.lengthOf(stream, partitions)).toBeLessThan(110);
    });

    it('knows since when something waits', async () => {
      const reader = member('readers');
      await fetch(reader);
      expect(await bus.oldestUnacknowledged(stream)).toBeUndefined();
      const before = Date.now();
      await bus.publish(stream, eventsOf('k', 2));
      const oldest = await bus.oldestUnacknowledged(stream);
      expect(Math.abs((oldest?.getTime() ?? 0) - before)).toBeLessThan(5_000);
      await handle(reader, 2);
      await waitFor(async () => (await bus.oldestUnacknowledged(stream)) === undefined);
    });

    it('that is full takes nothing until some has been handled, and loses nothing', async () => {
      const small = engine.open({ partitions: 1, maxLength: 10 });
      const reader = engine.open({ partitions: 1 }).join({ stream, group: 'readers', member: 'one' });
      members.push(reader);
      reader.take(0);
      await fetch(reader, [0]);
      const events = eventsOf('k', 10);
      await small.publish(stream, events);
      const more = eventsOf('k', 1, 10);
      await expect(small.publish(stream, more)).rejects.toMatchObject({ code: 'EVENT_STREAM_FULL' });
      expect(idsOf(await handle(reader, 10, [0]))).toEqual(events.map(({ id }) => id));
      await waitFor(async () => (await small.lag(stream, 'readers')) === 0);
      await emptied(small);
      await small.publish(stream, more);
      expect(idsOf(await handle(reader, 1, [0]))).toEqual(more.map(({ id }) => id));
    });

    /** Redis trims by whole nodes of 100 entries, which a stream as small as a test's does not have. */
    async function emptied(small: EventBus) {
      await small.trim(stream, new Date(Date.now() + 60_000));
      if ((await engine.lengthOf(stream, 1)) >= 10) await engine.loseStream(stream);
    }

    it('tells which of its receipts it can no longer honour', async () => {
      const events = eventsOf('k', 5);
      const receipts = await bus.publish(stream, events);
      const published = events.map(({ id }, index) => ({ id, receipt: receipts[index] ?? '' }));
      expect(await bus.findMissing(stream, published)).toEqual([]);
      const never = { id: randomUUID(), receipt: '1722000000000-0' };
      expect(await bus.findMissing(stream, [...published, never])).toEqual([never]);
      await engine.loseStream(stream);
      const fresh = engine.open({ partitions });
      expect(await fresh.findMissing(stream, published)).toEqual(published);
      // What has taken their place does not pass for them.
      const others = eventsOf('k', 5);
      await fresh.publish(stream, others);
      expect(await fresh.findMissing(stream, published)).toEqual(published);
    });
  });

  it('does not lose what a member holds whose name is taken off the books', async () => {
    const events = eventsOf('k', 2);
    await bus.publish(stream, events);
    const gone = member('readers', all, 'gone');
    await waitFor(async () => (await fetch(gone)).length > 0);
    await gone.close();
    await bus.removeMember(stream, 'readers', 'gone').catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'MEMBER_HOLDS_EVENTS' });
    });
    const heir = member('readers', all, 'heir');
    expect(idsOf(await handle(heir, 2))).toEqual(events.map(({ id }) => id));
    await waitFor(async () => (await bus.lag(stream, 'readers')) === 0);
    await bus.removeMember(stream, 'readers', 'gone');
    await bus.removeMember(stream, 'nobody', 'gone');
  });

  it('says when it may have lost what it had acknowledged', async () => {
    const { bus: through, proxy } = await engine.openThrough({ partitions });
    const interrupted = jest.fn();
    const stop = through.onInterruption(interrupted);
    await through.publish(stream, eventsOf('k', 1));
    expect(interrupted).not.toHaveBeenCalled();
    proxy.reset();
    await waitFor(() => interrupted.mock.calls.length > 0);
    await waitFor(() => through.ping().then(() => true));
    stop();
    const times = interrupted.mock.calls.length;
    proxy.reset();
    await waitFor(() => through.ping().then(() => true));
    expect(interrupted).toHaveBeenCalledTimes(times);
  });
});
